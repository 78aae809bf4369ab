//! Fake Lambda, fake app, golden folders. A dev-dependency only.

//! Gloo Edge: `Upstream`, `VirtualService`, ….

//! Every key of the objects that are read: what is supported, what is ignored and why, what is refused and the way out.

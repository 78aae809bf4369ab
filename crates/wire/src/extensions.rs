//! Contract stub; see lib.rs.

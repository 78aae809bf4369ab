//! kgateway

//! The DAX door: the binary protocol of DAX's clients, over TCP and TLS.

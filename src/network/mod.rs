//! Networks, addresses, ports and names.

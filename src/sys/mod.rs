//! Safe faces of kernel calls: the only module that holds `unsafe`.

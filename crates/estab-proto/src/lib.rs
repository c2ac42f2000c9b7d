//! The sans-IO TCP/IP protocol engine of estab.
#![no_std]

//! The clockwork of estab: instants, a hierarchical timing wheel and TCP's timer policies.
#![no_std]

//! Runs a program or a test in a network namespace of its own.

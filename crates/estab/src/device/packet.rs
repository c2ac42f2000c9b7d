//! One packet on its way between device and stack.

use std::io::IoSlice;

use bytes::{Bytes, BytesMut};

/// A packet to be sent, in the pieces it lies in: headers, then slices of the send buffer.
#[derive(Debug)]
pub struct Packet<'a> {
    slices: &'a [IoSlice<'a>],
    len: usize,
    segment_size: Option<u16>,
}

impl<'a> Packet<'a> {
    /// The packet made of `slices` in this order.
    pub fn new(slices: &'a [IoSlice<'a>]) -> Self {
        let len = slices.iter().map(|slice| slice.len()).sum();
        Self {
            slices,
            len,
            segment_size: None,
        }
    }

    /// Marks the packet as a super-packet: the device cuts its payload into segments of `size`
    /// bytes. The stack makes such packets only for devices that said they can.
    pub fn with_segment_size(mut self, size: Option<u16>) -> Self {
        self.segment_size = size;
        self
    }

    /// The pieces, for a gathering write.
    pub fn slices(&self) -> &'a [IoSlice<'a>] {
        self.slices
    }

    /// Payload bytes of one segment, if this is a super-packet.
    pub fn segment_size(&self) -> Option<u16> {
        self.segment_size
    }

    /// The packet's length in bytes.
    #[allow(
        clippy::len_without_is_empty,
        reason = "a packet has at least an IP header"
    )]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Copies the packet into one piece at the start of `buf`, and returns its length; what does
    /// not fit is left out.
    pub fn copy_to_slice(&self, buf: &mut [u8]) -> usize {
        super::gather(self.slices, buf)
    }

    /// The packet in one piece of its own.
    pub fn to_bytes(&self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(self.len);
        for slice in self.slices {
            bytes.extend_from_slice(slice);
        }
        bytes.freeze()
    }
}

/// A packet that was read, beside its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    len: usize,
    checksum_verified: bool,
    segment_size: Option<u16>,
}

impl Received {
    /// A packet of `len` bytes, about which the device knows nothing more.
    pub fn new(len: usize) -> Self {
        Self {
            len,
            checksum_verified: false,
            segment_size: None,
        }
    }

    /// The transport checksum is known to be good, or was never needed because the packet stayed
    /// on this machine: the stack does not compute it again.
    #[must_use]
    pub fn checksum_verified(mut self) -> Self {
        self.checksum_verified = true;
        self
    }

    /// The device joined segments with `size` bytes of payload each, and perhaps less in the last,
    /// into this packet. They count one by one where the protocol counts segments.
    #[must_use]
    pub fn segment_size(mut self, size: u16) -> Self {
        self.segment_size = Some(size);
        self
    }

    /// The packet's length in bytes.
    #[allow(
        clippy::len_without_is_empty,
        reason = "a packet has at least an IP header"
    )]
    pub fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn meta<'a>(&self, backing: Option<&'a Bytes>) -> estab_proto::RxMeta<'a> {
        estab_proto::RxMeta {
            checksum_verified: self.checksum_verified,
            segment_size: self.segment_size,
            backing,
            payload: None,
        }
    }
}

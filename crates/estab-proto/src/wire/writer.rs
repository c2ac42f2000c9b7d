//! A cursor for emitters.

/// Writes one piece after another into a buffer; a piece that does not fit spoils the whole.
pub(super) struct Writer<'a> {
    rest: &'a mut [u8],
    written: usize,
    fits: bool,
}

impl<'a> Writer<'a> {
    /// A cursor at the start of `buf`.
    pub(super) fn new(buf: &'a mut [u8]) -> Self {
        Self {
            rest: buf,
            written: 0,
            fits: true,
        }
    }

    /// Appends `bytes`.
    pub(super) fn put(&mut self, bytes: &[u8]) -> &mut Self {
        match core::mem::take(&mut self.rest).split_at_mut_checked(bytes.len()) {
            Some((target, rest)) if self.fits => {
                target.copy_from_slice(bytes);
                self.rest = rest;
                self.written = self.written.saturating_add(bytes.len());
            }
            _ => self.fits = false,
        }
        self
    }

    /// The number of bytes written, 0 if some piece did not fit.
    pub(super) fn finish(&self) -> usize {
        if self.fits { self.written } else { 0 }
    }
}

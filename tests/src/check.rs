//! An independent judge of every packet a stack sends.
//!
//! It shares no code with the stack: it parses by itself, sums by itself, and remembers of each
//! connection what is needed to tell whether the next segment is allowed.

use std::collections::HashMap;
use std::net::SocketAddr;

use estab_proto::wire::Pretty;

mod flow;
mod view;

use flow::{Flow, Offer};
use view::{ACK, FIN, Packet, RST, SYN};

/// Watches one stack.
#[derive(Debug, Default)]
pub struct Checker {
    mtu: usize,
    flows: HashMap<Ends, Flow>,
    /// The last SYN received from a peer, in case it is answered.
    syns: HashMap<Ends, Vec<Offer>>,
}

/// The end under test first.
type Ends = (SocketAddr, SocketAddr);

impl Checker {
    /// A judge of a stack whose device takes packets of `mtu` bytes.
    pub fn new(mtu: u32) -> Self {
        Self {
            mtu: mtu as usize,
            ..Self::default()
        }
    }

    /// The device was changed to take packets of `mtu` bytes.
    pub fn set_mtu(&mut self, mtu: u32) {
        self.mtu = mtu as usize;
    }

    /// The stack was given this packet, valid or not.
    pub fn on_received(&mut self, packet: &[u8]) {
        let Ok(Packet::Tcp { src, dst, view }) = view::read(packet, false) else {
            return;
        };
        if view.has(SYN) && !view.has(ACK) {
            let syns = self.syns.entry((dst, src)).or_default();
            match syns.iter_mut().find(|syn| syn.seq == view.seq) {
                // Repeated, it may ask for ECN no longer, or in another way.
                Some(syn) => syn.ace |= view.ace,
                None => syns.push(Offer::of(&view)),
            }
        }
        if let Some(flow) = self.flows.get_mut(&(dst, src)) {
            flow.on_received(&view);
        }
    }

    /// The stack sent this packet.
    ///
    /// # Panics
    ///
    /// If no correct stack would have sent it.
    pub fn on_sent(&mut self, packet: &[u8]) {
        if let Err(fault) = self.judge(packet) {
            panic!("invalid packet sent: {fault}\n  {}", Pretty(packet));
        }
    }

    fn judge(&mut self, packet: &[u8]) -> Result<(), String> {
        if packet.len() > self.mtu {
            return Err(format!(
                "{} bytes exceed the MTU of {}",
                packet.len(),
                self.mtu
            ));
        }
        let Packet::Tcp { src, dst, view } = view::read(packet, true)? else {
            return Ok(());
        };
        if view.has(SYN) && (view.has(FIN) || view.has(RST)) {
            return Err("SYN with FIN or RST".into());
        }
        if view.has(SYN) && !view.text.is_empty() {
            return Err("SYN with data".into());
        }
        let ends = (src, dst);
        if view.has(SYN) {
            let peer = self.syns.get(&ends).and_then(|syns| {
                syns.iter()
                    .find(|syn| view.has(ACK) && syn.seq.wrapping_add(1) == view.ack)
            });
            let old = self.flows.get(&ends);
            if !old.is_some_and(|flow| flow.begins_with(&view)) {
                let asked = old.map_or(0, |flow| flow.asked_by(&view));
                let flow = Flow::new(&view, peer.copied(), dst.is_ipv6()).asking(asked);
                self.flows.insert(ends, flow);
            }
        }
        match self.flows.get_mut(&ends) {
            Some(flow) => flow.on_sent(&view),
            None if view.has(RST) => Ok(()),
            None => Err("no SYN came before".into()),
        }
    }
}

//! A trace holds what passed, in a form others can read.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use estab::Stack;
use estab::device::{Link, Tap};
use pcap_file::DataLink;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketOption;
use pcap_file::pcapng::{Block, PcapNgReader};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A file in memory, which fails once it holds `limit` bytes.
#[derive(Clone)]
struct File {
    bytes: Arc<Mutex<Vec<u8>>>,
    limit: usize,
}

impl Write for File {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let mut bytes = self.bytes.lock().unwrap();
        if bytes.len() + buf.len() > self.limit {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Write::write(&mut *bytes, buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One connection that carries `text` to a stack traced into `file`.
async fn trace(file: File, text: &[u8]) {
    let (left, right) = Link::pair();
    let client = Stack::builder().addr("10.0.0.1/24").build(left).unwrap();
    let traced = Tap::new(right, file).unwrap();
    let server = Stack::builder().addr("10.0.0.2/24").build(traced).unwrap();
    let listener = server.listen("10.0.0.2:80").await.unwrap();
    let (stream, accepted) = tokio::join!(client.connect("10.0.0.2:80"), listener.accept());
    let (mut stream, mut accepted) = (stream.unwrap(), accepted.unwrap().0);
    tokio::time::sleep(Duration::from_secs(5)).await;
    stream.write_all(text).await.unwrap();
    let mut received = vec![0; text.len()];
    accepted.read_exact(&mut received).await.unwrap();
    assert_eq!(received, text);
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_written_with_direction_and_time() {
    let file = File {
        bytes: Arc::default(),
        limit: usize::MAX,
    };
    trace(file.clone(), b"to be found in the trace").await;

    let bytes = file.bytes.lock().unwrap().clone();
    let mut reader = PcapNgReader::new(&bytes[..]).unwrap();
    let (mut inbound, mut outbound, mut found_at) = (0, 0, None);
    let mut first = None;
    while let Some(block) = reader.next_block() {
        match block.unwrap() {
            Block::InterfaceDescription(interface) => {
                assert_eq!(interface.linktype, DataLink::RAW);
            }
            Block::EnhancedPacket(packet) => {
                assert_eq!(packet.data[0] >> 4, 4);
                let total = u16::from_be_bytes([packet.data[2], packet.data[3]]);
                assert_eq!(usize::from(total), packet.data.len());
                assert_eq!(packet.original_len as usize, packet.data.len());
                first.get_or_insert(packet.timestamp);
                match packet.options[..] {
                    [EnhancedPacketOption::Flags(1)] => inbound += 1,
                    [EnhancedPacketOption::Flags(2)] => outbound += 1,
                    ref other => panic!("{other:?}"),
                }
                if packet.data.ends_with(b"to be found in the trace") {
                    found_at = Some(packet.timestamp);
                }
            }
            other => panic!("{other:?}"),
        }
    }
    // SYN, ACK, text one way, SYN-ACK the other, at least.
    assert!(inbound >= 3 && outbound >= 1, "{inbound} {outbound}");
    // In the time of the paused clock.
    let elapsed = found_at.unwrap() - first.unwrap();
    assert_eq!(elapsed.as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_ends_the_trace_and_not_the_traffic() {
    let file = File {
        bytes: Arc::default(),
        limit: 300,
    };
    trace(file.clone(), b"not to be found").await;
    assert!(file.bytes.lock().unwrap().len() <= 300);

    let full = File {
        bytes: Arc::default(),
        limit: 0,
    };
    let error = Tap::new(Link::pair().0, full).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}

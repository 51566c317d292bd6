//! The frame reader on whatever bytes there are.

use bytes::Bytes;
use proptest::prelude::*;

use crate::frame::{Cursor, Kind, Link, encode};
use crate::{JournalId, Stop, decode_header, read_frames};

const ID: JournalId = JournalId([3; 16]);

fn log(payloads: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut previous = Cursor::genesis(ID).previous;
    for (payload, sequence) in payloads.iter().zip(1..) {
        let link = Link { epoch: 1, sequence, previous, committed: 0, kind: Kind::Data };
        previous = encode(ID, link, payload, &mut bytes);
    }
    bytes
}

fn payloads() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..6)
}

proptest! {
    #[test]
    fn frames_come_back_as_they_were(payloads in payloads()) {
        let (frames, stop) = read_frames(ID, &Bytes::from(log(&payloads)));
        prop_assert_eq!(stop, Stop::End);
        let read: Vec<Vec<u8>> = frames.iter().map(|(_, payload)| payload.to_vec()).collect();
        prop_assert_eq!(read, payloads);
    }

    #[test]
    fn a_changed_or_cut_log_gives_a_prefix(
        payloads in payloads(),
        at in any::<prop::sample::Index>(),
        bits in 1..=255u8,
        cut in any::<bool>(),
    ) {
        let mut bytes = log(&payloads);
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] ^= bits;
        }
        let (frames, _) = read_frames(ID, &Bytes::from(bytes));
        for ((_, payload), original) in frames.iter().zip(&payloads) {
            prop_assert_eq!(payload.as_ref(), original.as_slice());
        }
        // Only padding may change without being noticed.
        prop_assert!(!cut || at == 0 || frames.len() < payloads.len());
    }

    #[test]
    fn arbitrary_bytes_are_no_frames(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let bytes = Bytes::from(bytes);
        let (frames, _) = read_frames(ID, &bytes);
        prop_assert!(frames.is_empty());
        prop_assert_eq!(decode_header(ID, &bytes), None);
    }

    #[test]
    fn a_header_may_promise_more_than_there_is(lengths in any::<[u8; 4]>(), kind in any::<u8>()) {
        let mut bytes = log(&[vec![1; 40]]);
        bytes[4..8].copy_from_slice(&lengths);
        bytes[48] = kind;
        // Made to check, so that the length itself is what must be caught.
        let mut sum = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc64Nvme);
        sum.update(&ID.0);
        sum.update(&bytes[..56]);
        let sum = sum.finalize();
        bytes[56..64].copy_from_slice(&sum.to_le_bytes());
        let (frames, _) = read_frames(ID, &Bytes::from(bytes));
        prop_assert!(frames.len() <= 1);
    }
}

#[test]
fn another_journals_frames_are_not_ours() {
    let (frames, stop) = read_frames(JournalId([4; 16]), &Bytes::from(log(&[vec![1]])));
    assert_eq!((frames.len(), stop), (0, Stop::Invalid { offset: 0 }));
}

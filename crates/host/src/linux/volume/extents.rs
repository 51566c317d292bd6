//! Which parts of a sparse file hold data.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;

const ZEROS: [u8; 4096] = [0; 4096];

/// Numbers of the pieces of `piece` bytes that hold data, in order.
pub(crate) fn pieces_with_data(file: &File, piece: u64) -> io::Result<Vec<u64>> {
    let mut pieces = Vec::new();
    let mut at = 0;
    loop {
        let start = match seek(file, SeekFrom::Data(at)) {
            Ok(start) => start,
            Err(Errno::NXIO) => return Ok(pieces),
            Err(error) => return Err(error.into()),
        };
        let end = seek(file, SeekFrom::Hole(start))?;
        let first = (start / piece).max(pieces.last().map_or(0, |last| last + 1));
        pieces.extend(first..end.div_ceil(piece));
        at = end;
    }
}

/// Writes what is not zero; the file had zeros there, or nothing yet.
pub(crate) fn write_sparse(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    let mut offset = at;
    for block in bytes.chunks(ZEROS.len()) {
        if !is_zero(block) {
            file.write_all_at(block, offset)?;
        }
        offset += block.len() as u64;
    }
    Ok(())
}

pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(ZEROS.len()).all(|block| *block == ZEROS[..block.len()])
}

/// As much as there is, up to the buffer's length.
pub(crate) fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], at + filled as u64)? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_byte_that_is_not_zero_is_in_a_piece(
            writes in proptest::collection::vec((0_u64..1 << 22, 1_usize..70_000), 0..12)
        ) {
            let file = tempfile::tempfile().expect("made");
            file.set_len(1 << 23).expect("sized");
            for (at, len) in &writes {
                file.write_all_at(&vec![7; *len], *at).expect("written");
            }
            let pieces = pieces_with_data(&file, 1 << 16).expect("found");
            prop_assert!(pieces.is_sorted_by(|one, next| one < next));
            for (at, len) in writes {
                for piece in at >> 16..=(at + len as u64 - 1) >> 16 {
                    prop_assert!(pieces.contains(&piece));
                }
            }
        }

        #[test]
        fn sparse_writing_reads_back(bytes in proptest::collection::vec(
            prop_oneof![Just(vec![0_u8; 5000]), proptest::collection::vec(any::<u8>(), 1..5000)], 1..6,
        )) {
            let bytes = bytes.concat();
            let file = tempfile::tempfile().expect("made");
            file.set_len(bytes.len() as u64 + 10).expect("sized");
            write_sparse(&file, &bytes, 10).expect("written");
            let mut back = vec![1; bytes.len() + 20];
            prop_assert_eq!(read_at(&file, &mut back, 10).expect("read"), bytes.len());
            prop_assert_eq!(&back[..bytes.len()], &bytes[..]);
        }
    }
}

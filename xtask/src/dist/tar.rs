//! A tar archive whose bytes depend on nothing but what is in it: one owner (root), one time (1970), given modes.
//!
//! Names are at most 100 bytes, which is enough for what is packed here; a longer one is refused.
//!
//! Source: POSIX.1-2017, pax, "ustar Interchange Format".

use super::zip::Entry;

const BLOCK: usize = 512;

/// The archive of `entries`, in their order; a name that ends in `/` is a folder.
pub fn archive(entries: &[Entry<'_>]) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    for entry in entries {
        out.extend(header(entry)?);
        out.extend(entry.bytes);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
    }
    // The end is two blocks of nothing.
    out.resize(out.len() + 2 * BLOCK, 0);
    Ok(out)
}

fn header(entry: &Entry<'_>) -> Result<[u8; BLOCK], String> {
    let mut block = [0; BLOCK];
    if entry.name.len() > 100 {
        return Err(format!("`{}` is too long a name for this tar", entry.name));
    }
    let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    put(0, entry.name.as_bytes());
    put(100, format!("{:07o}", entry.mode).as_bytes());
    put(108, b"0000000");
    put(116, b"0000000");
    let size = format!("{:011o}", entry.bytes.len());
    if size.len() > 11 {
        return Err(format!("`{}` is too large for this tar", entry.name));
    }
    put(124, size.as_bytes());
    put(136, b"00000000000");
    // The checksum counts as spaces while it is summed up.
    put(148, b"        ");
    put(156, if entry.name.ends_with('/') { b"5" } else { b"0" });
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    Ok(block)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn another_reader_takes_it() {
        let folder = std::env::temp_dir().join(format!("lambridge-tar-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("image.tar");
        let entries = [
            Entry { name: "blobs/", mode: 0o755, bytes: b"" },
            Entry { name: "blobs/one", mode: 0o644, bytes: &[b'x'; 513] },
            Entry { name: "two", mode: 0o755, bytes: b"2" },
        ];
        std::fs::write(&file, archive(&entries).unwrap()).unwrap();
        let script = "import sys, tarfile\n\
            for m in tarfile.open(sys.argv[1]): print(m.name, oct(m.mode), m.size, m.isdir(), m.mtime, m.uid)";
        let read = Command::new("python3").args(["-c", script]).arg(&file).output().unwrap();
        let expect = "blobs 0o755 0 True 0 0\nblobs/one 0o644 513 False 0 0\ntwo 0o755 1 False 0 0\n";
        assert_eq!(
            String::from_utf8_lossy(&read.stdout),
            expect,
            "{}",
            String::from_utf8_lossy(&read.stderr)
        );
        let long = "x".repeat(101);
        assert!(archive(&[Entry { name: &long, mode: 0, bytes: b"" }]).is_err());
        std::fs::remove_dir_all(folder).unwrap();
    }
}

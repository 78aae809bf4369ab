//! A buffer that goes along with an invocation and comes back for the next.
//!
//! An event and an answer of some megabytes are written into memory that the process has already, instead of memory
//! that the system has to find, clear and take back each time: page by page that costs as much as the copy itself.

use bytes::Bytes;

/// Of all workers together; the largest event or answer is about 6 MB.
const KEPT: usize = 8 * 1024 * 1024;

/// The buffer, while nobody has it.
#[derive(Debug)]
pub struct Spare {
    buffer: Vec<u8>,
    keep: usize,
}

impl Spare {
    /// One of so many.
    pub fn one_of(count: usize) -> Spare {
        Spare { buffer: Vec::new(), keep: KEPT / count.max(1) }
    }

    /// An empty buffer, with room if one came back.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// Takes the memory back, if nobody else holds a part of it and it is worth keeping.
    pub fn give_back(&mut self, bytes: Bytes) {
        if bytes.len() > self.keep {
            return;
        }
        let Ok(bytes) = bytes.try_into_mut() else { return };
        let mut buffer = Vec::from(bytes);
        if (self.buffer.capacity()..=self.keep).contains(&buffer.capacity()) {
            buffer.clear();
            self.buffer = buffer;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_back() {
        let check = |length: usize, shared: bool, expect: bool| {
            let mut spare = Spare::one_of(8);
            let bytes = Bytes::from(vec![1; length]);
            let other = shared.then(|| bytes.clone());
            spare.give_back(bytes);
            let buffer = spare.take();
            assert_eq!((buffer.is_empty(), buffer.capacity() >= length), (true, expect), "{length}");
            drop(other);
        };
        check(100, false, true);
        check(1024 * 1024, false, true);
        check(1024 * 1024, true, false);
        check(1024 * 1024 + 1, false, false);
        let mut spare = Spare::one_of(1);
        spare.give_back(Bytes::from(vec![1; 1000]));
        spare.give_back(Bytes::from(vec![1; 10]));
        assert_eq!(spare.take().capacity(), 1000, "the larger one stays");
    }
}

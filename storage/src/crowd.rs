//! How many batches the committer waits for, where many are being written.
//!
//! Each group costs the same sync and wake-ups whatever its size, so that a moment's patience pays. But who waits for everybody has nobody at work while it
//! syncs. So half of the writers are waited for: they are synced while the other half brings its next batches.

/// Batches in a group from which on the processors are the limit rather than the disk. With fewer nobody is waited for.
const CROWD: usize = 8;

/// Every 64th group is gathered to its end, to learn how many write: often enough to notice within some 50 ms, and no cost that could be measured.
const LEARNING: u32 = 64;

/// Waited for where it is to be learnt how many there are.
const ALL: usize = usize::MAX;

/// What is known of those who write at the same time.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    /// How many they are, as far as they were counted.
    writers: usize,
    groups: u32,
}

impl Crowd {
    /// For how many batches the next group is to wait, after one of `last`; `None` for none.
    pub(crate) fn wanted(&mut self, last: usize) -> Option<usize> {
        if self.writers.max(last) < CROWD {
            return None;
        }
        self.groups = self.groups.wrapping_add(1);
        let is_known = self.writers >= CROWD && !self.groups.is_multiple_of(LEARNING);
        Some(if is_known { self.writers.div_ceil(2) } else { ALL })
    }

    /// So many came until nobody did any more, or until the time was over.
    ///
    /// Fewer than before may be no fewer: a processor stood still for a moment, and all are back in the next group. So those that are missed are
    /// forgotten slowly, a sixteenth in a group; where all were waited for, a quarter.
    pub(crate) fn gathered(&mut self, wanted: usize, came: usize) {
        let part = if wanted == ALL { 4 } else { 16 };
        if wanted == ALL || came < wanted {
            self.writers = came.max(self.writers - self.writers.div_ceil(part));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups of writers that bring a batch each, all of them unless `wanted` fewer: the sizes that were waited for.
    fn sizes(crowd: &mut Crowd, writers: usize, groups: usize) -> Vec<Option<usize>> {
        let mut last = writers;
        let mut wanted = Vec::new();
        for _ in 0..groups {
            let size = crowd.wanted(last);
            last = size.map_or(writers, |size| size.min(writers));
            if let Some(size) = size {
                crowd.gathered(size, last);
            }
            wanted.push(size.filter(|size| *size != ALL));
        }
        wanted
    }

    #[test]
    fn nobody_is_waited_for_where_few_write() {
        let mut crowd = Crowd::default();
        for writers in [0, 1, CROWD - 1] {
            assert!(sizes(&mut crowd, writers, 200).iter().all(Option::is_none));
            assert_eq!(crowd.wanted(writers), None);
        }
    }

    #[test]
    fn half_of_the_writers_are_waited_for_once_they_are_counted() {
        let mut crowd = Crowd::default();
        for writers in [CROWD, 64, 255] {
            let wanted = sizes(&mut crowd, writers, 200);
            let counting = wanted.iter().filter(|size| size.is_none()).count();
            assert!((3..=4).contains(&counting), "{writers}: counted {counting} times");
            assert_eq!(wanted[100..].iter().flatten().max(), Some(&writers.div_ceil(2)));
            assert_eq!(wanted[100..].iter().flatten().min(), Some(&writers.div_ceil(2)));
        }
    }

    #[test]
    fn writers_who_leave_are_waited_for_a_few_times_and_not_for_ever() {
        let mut crowd = Crowd::default();
        sizes(&mut crowd, 1_000, 2);
        let in_vain = sizes(&mut crowd, 20, 100)
            .iter()
            .flatten()
            .filter(|size| **size > 20)
            .count();
        assert!((30..70).contains(&in_vain), "{in_vain}");
        sizes(&mut crowd, 2, 200);
        assert_eq!(crowd.wanted(2), None);
    }

    #[test]
    fn a_moment_without_anybody_forgets_nothing() {
        let mut crowd = Crowd::default();
        sizes(&mut crowd, 100, 2);
        crowd.gathered(50, 1);
        assert_eq!(crowd.wanted(1), Some(47));
    }
}

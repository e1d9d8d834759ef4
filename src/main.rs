//! The program `countersign`.

mod cli;

/// A durable send allocates in one thread and frees in another, and an actor for each customer makes the heap grow by gigabytes: glibc's allocator pays for
/// the former with locks and for the latter with an `mprotect` call each time. Jemalloc sends about a third more on the same two cores.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}

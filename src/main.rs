//! The program `countersign`.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}

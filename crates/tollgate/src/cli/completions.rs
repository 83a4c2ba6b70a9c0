use clap_complete::Shell;

use super::failure::Failure;
use super::screen::Screen;

/// What `completions` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(super) fn run(
    arguments: &Arguments,
    mut command: clap::Command,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "tollgate", &mut script);
    screen.print(&String::from_utf8_lossy(&script));
    Ok(())
}

/// The manual page, in roff.
pub(super) fn man(command: clap::Command, screen: &mut Screen) -> Result<(), Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(Failure::failed)?;
    screen.print(&String::from_utf8_lossy(&page));
    Ok(())
}

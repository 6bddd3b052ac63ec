//! What is built: contexts, and their Dockerfiles.

use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

const FILES: usize = 10_000;
const DIRECTORIES: usize = 200;
/// Of the large file, in bytes.
const LARGE: usize = 1 << 30;

/// Commands that the programs use.
const COMMANDS: [&str; 6] = ["sh", "cat", "ls", "mkdir", "mv", "true"];

const STAGES: &str = "\
FROM scratch AS tools
COPY bin /bin/
RUN mkdir /tools && echo one > /tools/one
RUN echo two > /tools/two
FROM tools AS build
WORKDIR /src
COPY src .
RUN cat directory-000/* > /all
RUN ls -R > /names
RUN mkdir /out && mv /all /names /out/
FROM scratch
COPY --from=tools /tools /tools
COPY --from=build /out /out
";

/// A context with a Dockerfile and a Compose file.
pub(crate) struct Project {
    directory: PathBuf,
}

impl Project {
    /// Many files, copied.
    pub(crate) fn files(directory: &Path) -> Self {
        let project = Self::new(directory, "FROM scratch\nCOPY src /src/\n");
        project.make_files();
        project
    }

    /// Many files, copied after some programs and before others.
    pub(crate) fn stages(directory: &Path) -> Self {
        let project = Self::new(directory, STAGES);
        project.make_files();
        project.make_commands();
        project
    }

    /// Ten programs that do nothing.
    pub(crate) fn programs(directory: &Path) -> Self {
        let text = format!("FROM scratch\nCOPY bin /bin/\n{}", "RUN true\n".repeat(10));
        let project = Self::new(directory, &text);
        project.make_commands();
        project
    }

    /// One large file, copied.
    pub(crate) fn large(directory: &Path) -> Self {
        let project = Self::new(directory, "FROM scratch\nCOPY file /\n");
        let noise: Vec<u8> =
            (0_u32..1 << 20).map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
        let mut file = std::fs::File::create(directory.join("file")).unwrap();
        for _ in 0..LARGE / noise.len() {
            file.write_all(&noise).unwrap();
        }
        file.sync_all().unwrap();
        project
    }

    fn new(directory: &Path, dockerfile: &str) -> Self {
        std::fs::create_dir(directory).unwrap();
        std::fs::write(directory.join("Dockerfile"), dockerfile).unwrap();
        std::fs::write(directory.join("compose.yaml"), "services: {it: {build: .}}\n").unwrap();
        Self { directory: directory.to_owned() }
    }

    pub(crate) fn context(&self) -> &Path {
        &self.directory
    }

    /// What the context is called.
    pub(crate) fn name(&self) -> &str {
        self.directory.file_name().unwrap().to_str().unwrap()
    }

    /// Gives one of the many files another content.
    pub(crate) fn change(&self, number: usize) {
        std::fs::write(self.directory.join("src/directory-000/file-0.rs"), format!("number {number}\n")).unwrap();
    }

    fn make_files(&self) {
        for number in 0..FILES {
            let above = self.directory.join(format!("src/directory-{:03}", number % DIRECTORIES));
            std::fs::create_dir_all(&above).unwrap();
            let text = format!("{number}\n").repeat(1024 / (number.to_string().len() + 1));
            std::fs::write(above.join(format!("file-{number}.rs")), text).unwrap();
        }
    }

    fn make_commands(&self) {
        let bin = self.directory.join("bin");
        std::fs::create_dir(&bin).unwrap();
        std::fs::copy("/bin/busybox", bin.join("busybox")).unwrap();
        COMMANDS.iter().for_each(|command| symlink("busybox", bin.join(command)).unwrap());
    }
}

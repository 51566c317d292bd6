//! What is said of instances that outlive their region, and of removing all.

use std::path::{Path, PathBuf};

use super::Text;

impl Text {
    pub fn instances_run_on(self, count: usize) -> String {
        match self {
            Self::English => format!(
                "Still running: {count} instance(s), as on AWS. `haneul up` finds them again; `haneul reset` removes them with everything else."
            ),
            Self::Korean => format!(
                "인스턴스 {count}개는 AWS에서처럼 계속 실행됩니다. `haneul up`으로 다시 이어지고, `haneul reset`으로 나머지와 함께 모두 지울 수 있습니다."
            ),
        }
    }

    pub fn reset_while_running(self, folder: &Path) -> String {
        let folder = folder.display();
        match self {
            Self::English => {
                format!("A region runs on {folder}. Stop it first with `haneul down`.")
            }
            Self::Korean => {
                format!("{folder}에서 리전이 실행 중입니다. 먼저 `haneul down`으로 멈추세요.")
            }
        }
    }

    /// `zones` are those outside the folder.
    pub fn reset_question(self, folder: &Path, zones: &[PathBuf], instances: usize) -> String {
        let folders = [folder].into_iter().chain(zones.iter().map(PathBuf::as_path));
        let folders: Vec<String> = folders.map(|path| path.display().to_string()).collect();
        let folders = folders.join(", ");
        match self {
            Self::English => format!(
                "This removes the region in {folders} for good: all accounts, objects and volumes, and {instances} running instance(s). Go on? [y/N] "
            ),
            Self::Korean => format!(
                "{folders}의 리전을 완전히 지웁니다. 모든 계정과 객체, 볼륨, 실행 중인 인스턴스 {instances}개가 사라지며 되돌릴 수 없습니다. 계속할까요? [y/N] "
            ),
        }
    }

    pub fn nothing_to_reset(self, folder: &Path) -> String {
        let folder = folder.display();
        match self {
            Self::English => format!("There is no region in {folder}."),
            Self::Korean => format!("{folder}에 리전이 없습니다."),
        }
    }

    pub fn nothing_removed(self) -> &'static str {
        self.pick("Nothing was removed.", "아무것도 지우지 않았습니다.")
    }

    pub fn not_removed_from_machine(self, reason: &str) -> String {
        match self {
            Self::English => format!(
                "The region's instances could not be taken off this machine, and its data was kept: {reason}"
            ),
            Self::Korean => format!(
                "리전의 인스턴스를 이 컴퓨터에서 지울 수 없어 데이터를 그대로 두었습니다: {reason}"
            ),
        }
    }

    pub fn was_reset(self) -> &'static str {
        self.pick("The region was removed.", "리전을 지웠습니다.")
    }
}

//! What haneul says to the person at the terminal, in English and in Korean.
//!
//! One method a sentence, both languages side by side, so that a change to one shows the
//! other. Logs and API answers stay English: programs read them.

mod reset;

use std::path::Path;

use aws::Zone;

use crate::admin::{ClockFace, Scrubbed, StoreStatus, ZoneHealth, ZoneReport};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    English,
    Korean,
}

impl Text {
    /// By the locale that messages follow: `LC_ALL`, else `LC_MESSAGES`, else `LANG`.
    pub fn of_environment() -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self::of_locale(["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set).as_deref())
    }

    fn of_locale(locale: Option<&str>) -> Self {
        let language = locale.unwrap_or_default().split(['_', '.', '@']).next();
        if language == Some("ko") { Self::Korean } else { Self::English }
    }

    fn pick(self, english: &'static str, korean: &'static str) -> &'static str {
        match self {
            Self::English => english,
            Self::Korean => korean,
        }
    }

    // Help.

    pub fn about(self) -> &'static str {
        self.pick(
            "An AWS region on this machine. Independent of and not endorsed by Amazon.",
            "이 컴퓨터 위의 AWS 리전. Amazon과 무관하며 Amazon이 보증하지 않습니다.",
        )
    }

    pub fn about_up(self) -> &'static str {
        self.pick(
            "Start the region and stay in the foreground",
            "리전을 시작하고 포그라운드에서 실행합니다",
        )
    }

    pub fn about_down(self) -> &'static str {
        self.pick(
            "Stop the running region and wait until it has ended",
            "실행 중인 리전을 멈추고 끝날 때까지 기다립니다",
        )
    }

    pub fn about_status(self) -> &'static str {
        self.pick("Show what runs and how it is", "무엇이 어떤 상태로 실행 중인지 보여 줍니다")
    }

    pub fn about_scrub(self) -> &'static str {
        self.pick(
            "Read everything again that is kept of S3's objects, and mend what is damaged",
            "S3 객체로 저장된 모든 것을 다시 읽어 손상된 것을 복구합니다",
        )
    }

    pub fn about_zone(self) -> &'static str {
        self.pick(
            "Fail an availability zone on purpose, and restore it",
            "가용 영역에 일부러 장애를 내고 복구합니다",
        )
    }

    pub fn about_zone_fail(self) -> &'static str {
        self.pick(
            "Take a zone's power and disk away until it is restored, over restarts too",
            "복구할 때까지 가용 영역의 전원과 디스크를 끊습니다. 다시 시작해도 유지됩니다",
        )
    }

    pub fn about_zone_restore(self) -> &'static str {
        self.pick(
            "Use a failed zone again; what it missed is copied into it",
            "장애를 낸 가용 영역을 다시 씁니다. 그동안의 데이터는 복사됩니다",
        )
    }

    pub fn help_which_zone(self) -> &'static str {
        self.pick("a, b or c, or such as ap-northeast-2b", "a, b, c 또는 ap-northeast-2b 같은 이름")
    }

    pub fn not_a_zone(self, given: &str) -> String {
        match self {
            Self::English => {
                format!("{given:?} is not a zone: a, b or c, or such as ap-northeast-2b")
            }
            Self::Korean => format!(
                "{given:?}은(는) 가용 영역이 아닙니다. a, b, c 또는 ap-northeast-2b 같은 이름을 쓰세요"
            ),
        }
    }

    pub fn about_env(self) -> &'static str {
        self.pick(
            "Print what a shell needs to reach the region: eval \"$(haneul env)\"",
            "셸이 리전에 접속하는 데 필요한 설정을 출력합니다: eval \"$(haneul env)\"",
        )
    }

    pub fn about_clock(self) -> &'static str {
        self.pick("Show or turn the region's clock", "리전의 시계를 보거나 돌립니다")
    }

    pub fn about_clock_show(self) -> &'static str {
        self.pick("Show the region's time", "리전의 시각을 보여 줍니다")
    }

    pub fn about_clock_advance(self) -> &'static str {
        self.pick(
            "Turn the clock forward, by such as 90s, 15m, 12h, 30d or 1d12h",
            "시계를 앞으로 돌립니다. 예: 90s, 15m, 12h, 30d, 1d12h",
        )
    }

    pub fn about_clock_set(self) -> &'static str {
        self.pick(
            "Set the clock to a time, such as 2026-12-24T18:00:00Z; `now` is the machine's time",
            "시계를 정한 시각으로 맞춥니다. 예: 2026-12-24T18:00:00Z. `now`는 컴퓨터의 시각",
        )
    }

    pub fn about_account(self) -> &'static str {
        self.pick("Create and list accounts", "계정을 만들고 나열합니다")
    }

    pub fn about_account_create(self) -> &'static str {
        self.pick(
            "Create an account and show its root access key once",
            "계정을 만들고 루트 액세스 키를 한 번 보여 줍니다",
        )
    }

    pub fn about_account_list(self) -> &'static str {
        self.pick("List the accounts", "계정을 나열합니다")
    }

    pub fn about_ca(self) -> &'static str {
        self.pick(
            "Show the local certificate authority and how to trust it",
            "로컬 인증 기관과 신뢰하는 방법을 보여 줍니다",
        )
    }

    pub fn about_reset(self) -> &'static str {
        self.pick(
            "Remove everything of the region: its instances, its records and all its data",
            "리전의 인스턴스와 기록, 모든 데이터를 지웁니다",
        )
    }

    pub fn about_version(self) -> &'static str {
        self.pick("Print the version", "버전을 출력합니다")
    }

    pub fn help_data(self) -> &'static str {
        self.pick(
            "The data folder [default: $HANEUL_DATA, else ~/.local/share/haneul, as root /var/lib/haneul]",
            "데이터 폴더 [기본값: $HANEUL_DATA, 없으면 ~/.local/share/haneul, root는 /var/lib/haneul]",
        )
    }

    pub fn help_listen(self) -> &'static str {
        self.pick(
            "Where to listen, HTTP and HTTPS on the same port",
            "접속을 받을 주소. HTTP와 HTTPS를 같은 포트에서 받습니다",
        )
    }

    pub fn help_front_door(self) -> &'static str {
        self.pick(
            "Where browsers find websites, on ports 80 and 443, or else 8080 and 8443",
            "브라우저가 웹사이트를 찾는 주소. 포트는 80과 443, 안 되면 8080과 8443",
        )
    }

    pub fn not_a_front_door(self, given: &str) -> String {
        match self {
            Self::English => format!("--front-door takes an IP address or off, not {given:?}."),
            Self::Korean => {
                format!("--front-door에는 IP 주소나 off를 쓰세요. {given:?}은(는) 아닙니다.")
            }
        }
    }

    pub fn front_door_taken(self) -> &'static str {
        self.pick(
            "Other programs hold ports 80, 443, 8080 and 8443: websites are on the API's port alone.",
            "포트 80, 443, 8080, 8443을 다른 프로그램이 쓰고 있어 웹사이트는 API 포트에서만 열립니다.",
        )
    }

    pub fn up_front_door(self) -> &'static str {
        self.pick("websites on", "웹사이트 주소")
    }

    pub fn help_domain(self) -> &'static str {
        self.pick("The domain of the names that haneul makes", "haneul이 만드는 이름들의 도메인")
    }

    pub fn help_region(self) -> &'static str {
        self.pick(
            "The default region; every other region's name works as well",
            "기본 리전. 다른 리전 이름도 모두 쓸 수 있습니다",
        )
    }

    pub fn help_day_length(self) -> &'static str {
        self.pick(
            "How long a day of S3 lifecycle rules is, at most 1d: 10s shows rules at work",
            "S3 수명 주기 규칙의 하루 길이(최대 1d). 10s로 하면 규칙이 동작하는 것을 바로 볼 수 있습니다",
        )
    }

    pub fn help_zone(self) -> &'static str {
        self.pick(
            "A folder for each of the three availability zones a, b, c, best on a disk of its own; give it three times",
            "가용 영역 a, b, c의 폴더. 서로 다른 디스크가 좋으며 세 번 지정합니다",
        )
    }

    pub fn help_log(self) -> &'static str {
        self.pick(
            "How log lines on stderr look; HANEUL_LOG chooses which (info, haneul=debug, …)",
            "표준 오류에 쓰는 로그의 형식. 내용은 HANEUL_LOG로 고릅니다 (info, haneul=debug, …)",
        )
    }

    pub fn help_json(self) -> &'static str {
        self.pick("Print JSON", "JSON으로 출력합니다")
    }

    pub fn help_profile(self) -> &'static str {
        self.pick(
            "Write the settings as this profile of ~/.aws instead, after asking",
            "출력하는 대신, 물어본 뒤 ~/.aws의 이 프로필에 설정을 씁니다",
        )
    }

    pub fn help_yes(self) -> &'static str {
        self.pick("Do not ask", "묻지 않습니다")
    }

    pub fn help_env_account(self) -> &'static str {
        self.pick(
            "The account whose root access key to use [default: the first]",
            "루트 액세스 키를 쓸 계정 [기본값: 첫 계정]",
        )
    }

    pub fn help_account_name(self) -> &'static str {
        self.pick("The account's name", "계정의 이름")
    }

    pub fn help_account_id(self) -> &'static str {
        self.pick(
            "The account's twelve digits [default: chosen at random]",
            "계정의 열두 자리 번호 [기본값: 무작위]",
        )
    }

    pub fn help_duration(self) -> &'static str {
        self.pick("How far", "얼마나")
    }

    pub fn help_timestamp(self) -> &'static str {
        self.pick("A time in ISO 8601, or `now`", "ISO 8601 시각 또는 `now`")
    }

    // up.

    pub fn zones_are_three(self, given: usize) -> String {
        match self {
            Self::English => format!(
                "--zone was given {given} time(s). A region has three availability zones: give --zone three times, or not at all."
            ),
            Self::Korean => format!(
                "--zone이 {given}번 지정되었습니다. 리전에는 가용 영역이 셋 있습니다. --zone을 세 번 지정하거나 지정하지 마세요."
            ),
        }
    }

    pub fn not_a_domain(self, given: &str) -> String {
        match self {
            Self::English => format!("{given:?} is not a domain name"),
            Self::Korean => format!("{given:?}은(는) 도메인 이름이 아닙니다"),
        }
    }

    pub fn not_a_day_length(self, given: &str) -> String {
        match self {
            Self::English => format!("{given:?} is not a day's length: between 1s and 1d"),
            Self::Korean => {
                format!("{given:?}은(는) 하루 길이가 아닙니다: 1s에서 1d 사이여야 합니다")
            }
        }
    }

    pub fn zones_are_distinct(self, folder: &Path) -> String {
        let folder = folder.display();
        match self {
            Self::English => format!("two zones cannot share the folder {folder}."),
            Self::Korean => format!("두 가용 영역이 같은 폴더 {folder}를 쓸 수 없습니다."),
        }
    }

    pub fn zones_share_a_device(self) -> &'static str {
        self.pick(
            "The availability zones share one device: they outlive a lost folder, not a lost disk. Use --zone DIR three times to put them on disks of their own.",
            "가용 영역들이 한 장치를 함께 씁니다. 폴더 하나를 잃어도 견디지만 디스크를 잃으면 견디지 못합니다. --zone DIR을 세 번 써서 각각 다른 디스크에 두세요.",
        )
    }

    pub fn listens_beyond_this_machine(self, address: &str) -> String {
        match self {
            Self::English => format!(
                "{address} can be reached from other machines, and plain HTTP can be read on the way. Prefer https:// there (see `haneul ca`)."
            ),
            Self::Korean => format!(
                "{address}에는 다른 컴퓨터도 접속할 수 있고, 평문 HTTP는 도중에 읽힐 수 있습니다. https://를 쓰세요 (`haneul ca` 참고)."
            ),
        }
    }

    pub fn already_running(self, folder: &Path) -> String {
        let folder = folder.display();
        match self {
            Self::English => format!(
                "A region runs on {folder} already. See it with `haneul status`, stop it with `haneul down`."
            ),
            Self::Korean => format!(
                "{folder}에서 이미 리전이 실행 중입니다. `haneul status`로 보고 `haneul down`으로 멈출 수 있습니다."
            ),
        }
    }

    pub fn cannot_start(self, reason: &str) -> String {
        match self {
            Self::English => format!("The region cannot start: {reason}"),
            Self::Korean => format!("리전을 시작할 수 없습니다: {reason}"),
        }
    }

    pub fn failed(self, reason: &str) -> String {
        match self {
            Self::English => format!("haneul: {reason}"),
            Self::Korean => format!("haneul: 실패했습니다: {reason}"),
        }
    }

    pub fn warning(self) -> &'static str {
        self.pick("warning", "주의")
    }

    /// Heads of the lines of what `up` prints; `listens`, `data`, `zones`, `next`.
    pub fn up_listens(self) -> &'static str {
        self.pick("listens on", "접속 주소")
    }

    pub fn up_data(self) -> &'static str {
        self.pick("data in", "데이터 폴더")
    }

    pub fn up_next(self) -> &'static str {
        self.pick("In another terminal:", "다른 터미널에서:")
    }

    pub fn up_stop_hint(self) -> &'static str {
        self.pick("Stop with Ctrl-C or `haneul down`.", "Ctrl-C 또는 `haneul down`으로 멈춥니다.")
    }

    pub fn root_key_head(self, account: &str) -> String {
        match self {
            Self::English => format!("Root access key of account {account}, shown this once:"),
            Self::Korean => format!("계정 {account}의 루트 액세스 키. 이번 한 번만 보여 줍니다:"),
        }
    }

    pub fn root_key_kept(self, file: &Path) -> String {
        let file = file.display();
        match self {
            Self::English => format!("It is kept in {file}, readable by you alone."),
            Self::Korean => format!("{file}에 보관되며 본인만 읽을 수 있습니다."),
        }
    }

    // Commands.

    pub fn not_running(self, folder: &Path) -> String {
        let folder = folder.display();
        match self {
            Self::English => {
                format!("No region runs on {folder}. Start one with `haneul up --data {folder}`.")
            }
            Self::Korean => format!(
                "{folder}에서 실행 중인 리전이 없습니다. `haneul up --data {folder}`로 시작하세요."
            ),
        }
    }

    pub fn stopped(self) -> &'static str {
        self.pick("The region has stopped.", "리전이 멈췄습니다.")
    }

    pub fn never_started(self, folder: &Path) -> String {
        let folder = folder.display();
        match self {
            Self::English => format!(
                "No region was ever started on {folder}. Start one with `haneul up --data {folder}`."
            ),
            Self::Korean => format!(
                "{folder}에서 리전을 시작한 적이 없습니다. `haneul up --data {folder}`로 시작하세요."
            ),
        }
    }

    pub fn clock(self, face: ClockFace) -> String {
        let now = face.now;
        let ahead = crate::cli::duration::show(face.ahead_ms.unsigned_abs());
        match (self, face.ahead_ms) {
            (Self::English, 0) => format!("{now} (the machine's time)"),
            (Self::Korean, 0) => format!("{now} (컴퓨터의 시각)"),
            (Self::English, 1..) => format!("{now} ({ahead} ahead of the machine)"),
            (Self::Korean, 1..) => format!("{now} (컴퓨터보다 {ahead} 빠름)"),
            (Self::English, _) => format!("{now} ({ahead} behind the machine)"),
            (Self::Korean, _) => format!("{now} (컴퓨터보다 {ahead} 느림)"),
        }
    }

    pub fn not_a_duration(self, given: &str) -> String {
        match self {
            Self::English => {
                format!("{given:?} is not a duration such as 90s, 15m, 12h, 30d or 1d12h")
            }
            Self::Korean => {
                format!("{given:?}은(는) 90s, 15m, 12h, 30d, 1d12h 같은 기간이 아닙니다")
            }
        }
    }

    pub fn not_a_time(self, given: &str) -> String {
        match self {
            Self::English => format!("{given:?} is not a time such as 2026-12-24T18:00:00Z"),
            Self::Korean => format!("{given:?}은(는) 2026-12-24T18:00:00Z 같은 시각이 아닙니다"),
        }
    }

    pub fn no_ca_yet(self) -> &'static str {
        self.pick(
            "There is no certificate authority yet: it is made when the region first runs.",
            "아직 인증 기관이 없습니다. 리전을 처음 실행할 때 만들어집니다.",
        )
    }

    pub fn ca_trust(self) -> &'static str {
        self.pick(
            "# The certificate above is the local authority's. To trust it:",
            "# 위는 로컬 인증 기관의 인증서입니다. 신뢰하려면:",
        )
    }

    // status.

    pub fn running_since(self, uptime: &str) -> String {
        match self {
            Self::English => format!("running for {uptime}"),
            Self::Korean => format!("{uptime} 동안 실행 중"),
        }
    }

    pub fn zone_health(self, health: &ZoneHealth) -> String {
        match health {
            ZoneHealth::Healthy => self.pick("healthy", "정상").into(),
            ZoneHealth::CatchingUp => {
                self.pick("being copied into again", "다시 복사하는 중").into()
            }
            ZoneHealth::Failed { why } => format!("{}: {why}", self.pick("FAILED", "장애")),
        }
    }

    /// `None` when there is nothing to tell.
    pub fn zone_report(self, found: &ZoneReport) -> Option<String> {
        Some(match found {
            ZoneReport::Healthy => return None,
            ZoneReport::Lost => self
                .pick(
                    "its folder was lost; everything was copied into it again",
                    "폴더가 없어져서 모든 데이터를 다시 복사했습니다",
                )
                .into(),
            ZoneReport::Stale => self
                .pick(
                    "it missed the end of the last run; everything was copied into it again",
                    "지난 실행의 마지막 부분이 없어서 모든 데이터를 다시 복사했습니다",
                )
                .into(),
            ZoneReport::Rotten { frames, files } => match self {
                Self::English => format!(
                    "{frames} damaged frames and {files} damaged files were written again; check its disk"
                ),
                Self::Korean => format!(
                    "손상된 프레임 {frames}개와 파일 {files}개를 다시 썼습니다. 디스크를 점검하세요"
                ),
            },
            ZoneReport::Failed { why } => match self {
                Self::English => format!("it could not be used at the start: {why}"),
                Self::Korean => format!("시작할 때 사용할 수 없었습니다: {why}"),
            },
        })
    }

    pub fn zone_failed_on_purpose(self, zone: Zone) -> String {
        let zone = zone.letter();
        match self {
            Self::English => format!("FAILED on purpose (`haneul zone restore {zone}` ends it)"),
            Self::Korean => {
                format!("일부러 낸 장애 (`haneul zone restore {zone}`로 복구)")
            }
        }
    }

    pub fn zone_failed(self, zone: Zone) -> String {
        let zone = zone.letter();
        match self {
            Self::English => format!(
                "Zone {zone} has failed: its instances have no power and its disk is not used. Restore it with `haneul zone restore {zone}`."
            ),
            Self::Korean => format!(
                "가용 영역 {zone}에 장애를 냈습니다. 인스턴스의 전원이 꺼지고 디스크를 쓰지 않습니다. `haneul zone restore {zone}`로 복구하세요."
            ),
        }
    }

    pub fn zone_restored(self, zone: Zone) -> String {
        let zone = zone.letter();
        match self {
            Self::English => format!(
                "Zone {zone} is restored. What it missed is copied into it now; see `haneul status`."
            ),
            Self::Korean => format!(
                "가용 영역 {zone}을(를) 복구했습니다. 그동안의 데이터를 복사하는 중입니다. `haneul status`로 볼 수 있습니다."
            ),
        }
    }

    pub fn zone_needed(self, zone: Zone) -> String {
        let zone = zone.letter();
        match self {
            Self::English => format!(
                "Zone {zone} cannot be failed: fewer than two whole zones would be left, and every change must be in two. See `haneul status`."
            ),
            Self::Korean => format!(
                "가용 영역 {zone}에 장애를 낼 수 없습니다. 모든 변경은 두 곳에 있어야 하는데 온전한 가용 영역이 둘 미만으로 남습니다. `haneul status`를 보세요."
            ),
        }
    }

    pub fn store(self, store: &StoreStatus) -> String {
        match store {
            StoreStatus::Memory => self
                .pick("in memory: nothing outlives the process", "메모리: 끝나면 사라집니다")
                .into(),
            StoreStatus::Journal => {
                self.pick("journal in every zone", "모든 가용 영역의 저널").into()
            }
            StoreStatus::JournalStopped { why } => match self {
                Self::English => format!("journal in every zone, TAKES NO CHANGES: {why}"),
                Self::Korean => format!("모든 가용 영역의 저널, 변경할 수 없음: {why}"),
            },
        }
    }

    pub fn status_head(self, head: StatusHead) -> &'static str {
        match head {
            StatusHead::Region => self.pick("region", "리전"),
            StatusHead::Listens => self.pick("listens on", "접속 주소"),
            StatusHead::FrontDoor => self.pick("websites on", "웹사이트 주소"),
            StatusHead::Clock => self.pick("clock", "시계"),
            StatusHead::Store => self.pick("store", "저장소"),
            StatusHead::Objects => self.pick("objects", "객체"),
            StatusHead::Zone => self.pick("zone", "가용 영역"),
            StatusHead::Services => self.pick("services", "서비스"),
            StatusHead::Accounts => self.pick("accounts", "계정 수"),
            StatusHead::Requests => self.pick("requests", "요청"),
            StatusHead::Unsupported => self.pick("unsupported", "미지원"),
        }
    }

    pub fn requests(self, answered: u64, refused: u64, failed: u64) -> String {
        match self {
            Self::English => format!("{answered} answered, {refused} refused, {failed} failed"),
            Self::Korean => format!("응답 {answered}, 거절 {refused}, 실패 {failed}"),
        }
    }

    // scrub.

    pub fn scrubbed_log(self, log: Scrubbed) -> String {
        let Scrubbed { read, damaged, mended } = log;
        match self {
            Self::English => {
                format!("log: {read} frames read in every zone; {damaged} damaged, {mended} mended")
            }
            Self::Korean => format!(
                "로그: 모든 가용 영역에서 프레임 {read}개 확인, 손상 {damaged}, 복구 {mended}"
            ),
        }
    }

    pub fn scrubbed_index(self, damage: Option<&str>) -> String {
        match (self, damage) {
            (Self::English, None) => "index: shows what the log says".into(),
            (Self::Korean, None) => "색인: 로그와 같음".into(),
            (Self::English, Some(why)) => format!("index: damaged and made anew ({why})"),
            (Self::Korean, Some(why)) => format!("색인: 손상되어 다시 만듦 ({why})"),
        }
    }

    pub fn scrubbed_blobs(self, blobs: Scrubbed, bytes: u64) -> String {
        let Scrubbed { read, damaged, mended } = blobs;
        match self {
            Self::English => format!(
                "objects: {read} pieces read, {bytes} bytes; {damaged} damaged, {mended} mended"
            ),
            Self::Korean => {
                format!("객체: 조각 {read}개, {bytes}바이트 확인, 손상 {damaged}, 복구 {mended}")
            }
        }
    }

    pub fn scrub_lost(self, frames: u64, blobs: u64) -> String {
        match self {
            Self::English => {
                format!("not whole anywhere: {frames} frames of the log, {blobs} pieces of objects")
            }
            Self::Korean => format!("복구할 수 없음: 로그 프레임 {frames}개, 객체 조각 {blobs}개"),
        }
    }

    // env.

    pub fn env_not_running(self) -> &'static str {
        self.pick(
            "the region does not run now; these settings are those of its last start",
            "지금은 리전이 실행 중이 아닙니다. 마지막으로 시작했을 때의 설정입니다",
        )
    }

    /// Of that account, or of any.
    pub fn no_root_key(self, account: Option<&str>) -> String {
        match (self, account) {
            (Self::English, Some(id)) => {
                format!("No root access key of account {id} is kept here.")
            }
            (Self::Korean, Some(id)) => format!("계정 {id}의 루트 액세스 키가 여기에 없습니다."),
            (Self::English, None) => "No root access key is kept here.".into(),
            (Self::Korean, None) => "루트 액세스 키가 여기에 없습니다.".into(),
        }
    }

    pub fn write_profile(self, profile: &str, config: &Path, credentials: &Path) -> String {
        let (config, credentials) = (config.display(), credentials.display());
        match self {
            Self::English => {
                format!("Write profile {profile:?} into {config} and {credentials}? [y/N] ")
            }
            Self::Korean => {
                format!("프로필 {profile:?}을(를) {config}와 {credentials}에 쓸까요? [y/N] ")
            }
        }
    }

    pub fn profile_written(self, profile: &str) -> String {
        match self {
            Self::English => {
                format!("Written. Use it with `aws --profile {profile} sts get-caller-identity`.")
            }
            Self::Korean => {
                format!("썼습니다. `aws --profile {profile} sts get-caller-identity`로 써 보세요.")
            }
        }
    }

    pub fn nothing_written(self) -> &'static str {
        self.pick("Nothing was written.", "아무것도 쓰지 않았습니다.")
    }

    pub fn not_a_profile(self, given: &str) -> String {
        match self {
            Self::English => {
                format!("{given:?} is not a profile's name: letters, digits and . _ - only")
            }
            Self::Korean => {
                format!(
                    "{given:?}은(는) 프로필 이름이 아닙니다. 영문자, 숫자, . _ - 만 쓸 수 있습니다"
                )
            }
        }
    }
}

/// Heads of the lines of `status`.
#[derive(Clone, Copy, Debug)]
pub enum StatusHead {
    Region,
    Listens,
    FrontDoor,
    Clock,
    Store,
    Objects,
    Zone,
    Services,
    Accounts,
    Requests,
    Unsupported,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_follows_the_locale() {
        let check = |locale, expected| assert_eq!(Text::of_locale(locale), expected, "{locale:?}");
        check(Some("ko_KR.UTF-8"), Text::Korean);
        check(Some("ko"), Text::Korean);
        check(Some("kok_IN"), Text::English);
        check(Some("en_US.UTF-8"), Text::English);
        check(Some("C"), Text::English);
        check(None, Text::English);
    }
}

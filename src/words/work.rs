//! Jobs in words: what they do, how far they are, why they failed.

use crate::party::Lang;
use crate::work::{Failure, JobKind, Status};

impl Lang {
    /// What a job does.
    pub fn job_kind(self, kind: JobKind) -> &'static str {
        match (kind, self) {
            (JobKind::ImportPortfolio, Lang::Zh) => "导入资产包",
            (JobKind::ImportPortfolio, Lang::En) => "Portfolio taken in",
            (JobKind::ImportRecoveries, Lang::Zh) => "导入回款",
            (JobKind::ImportRecoveries, Lang::En) => "Recoveries taken in",
            (JobKind::ImportContacts, Lang::Zh) => "导入催收记录",
            (JobKind::ImportContacts, Lang::En) => "Contact records taken in",
            (JobKind::ImportComplaints, Lang::Zh) => "导入投诉",
            (JobKind::ImportComplaints, Lang::En) => "Complaints taken in",
            (JobKind::Simulate, Lang::Zh) => "模拟分案",
            (JobKind::Simulate, Lang::En) => "Run simulated",
            (JobKind::Commit, Lang::Zh) => "执行分案",
            (JobKind::Commit, Lang::En) => "Run committed",
            (JobKind::Close, Lang::Zh) => "关账",
            (JobKind::Close, Lang::En) => "Month closed",
            (JobKind::Export, Lang::Zh) => "导出文件",
            (JobKind::Export, Lang::En) => "File written",
        }
    }

    /// The list of what files of a kind bring.
    pub fn job_list(self, kind: JobKind) -> &'static str {
        match kind {
            JobKind::ImportPortfolio => self.nav_portfolio(),
            JobKind::ImportRecoveries => self.nav_recoveries(),
            JobKind::ImportContacts => self.nav_contacts(),
            _ => self.nav_complaints(),
        }
    }

    /// A figure that the report on a file has beside its counts, by its key; nothing for what no page shows.
    pub fn report_total(self, key: &str) -> Option<&'static str> {
        Some(match key {
            "new" => self.rows_new(),
            "updated" => self.rows_updated(),
            "unchanged" => self.rows_unchanged(),
            "missing" => self.rows_missing(),
            "total" => self.balance(),
            "payments" => self.total_payments(),
            "reversals" => self.total_reversals(),
            "waivers" => self.total_waivers(),
            "attributed" => self.total_attributed(),
            "beyond_owed" => self.beyond_owed(),
            "closed_as_paid" => self.total_closed_as_paid(),
            "held" => self.total_held(),
            _ => return None,
        })
    }

    /// How far a job is.
    pub fn job_status(self, status: Status) -> &'static str {
        match (status, self) {
            (Status::Queued, Lang::Zh) => "等待中",
            (Status::Queued, Lang::En) => "waiting",
            (Status::Running, Lang::Zh) => "进行中",
            (Status::Running, Lang::En) => "under way",
            (Status::Done, Lang::Zh) => "已完成",
            (Status::Done, Lang::En) => "done",
            (Status::Failed, Lang::Zh) => "未完成",
            (Status::Failed, Lang::En) => "failed",
            (Status::Cancelled, Lang::Zh) => "已取消",
            (Status::Cancelled, Lang::En) => "called off",
        }
    }

    /// Why a job failed, where its outcome does not say so.
    pub fn job_failure(self, failure: Option<Failure>) -> &'static str {
        match (failure, self) {
            (Some(Failure::GaveUp), Lang::Zh) => {
                "任务多次开始，执行它的服务器均在完成前中断，未作任何更改；请联系管理员查看服务器日志后重新提交。"
            }
            (Some(Failure::GaveUp), Lang::En) => {
                "It was begun several times, and each time the server was gone before its end; nothing was changed. Have the server's log looked at, then ask for it again."
            }
            (Some(Failure::Unreadable), Lang::Zh) => {
                "本服务器的密钥打不开所上传的文件，或任务记录已在程序之外被改动，未作任何更改；请确认各服务器的 CONSIGN_KEY 相同，然后重新上传。"
            }
            (Some(Failure::Unreadable), Lang::En) => {
                "The file does not open with the key of the server that took it up, or the job was changed outside this program; nothing was changed. Give all servers the same CONSIGN_KEY, then send it again."
            }
            (_, Lang::Zh) => "系统出错，未作任何更改；请重试。",
            (_, Lang::En) => "Something went wrong on our side; nothing was changed. Try again.",
        }
    }
}

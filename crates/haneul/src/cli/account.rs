//! `haneul account`.

use aws::AccountId;
use clap::{Args, Subcommand};
use serde_json::json;

use super::{Data, Failure, say, text};
use crate::admin::client::ask;
use crate::admin::{Answer, Ask};
use crate::data_dir::DataDir;
use crate::keyring::RootKey;

#[derive(Args)]
pub struct Account {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    #[command(about = text().about_account_create())]
    Create {
        #[arg(long, value_name = "NAME", default_value = "account", help = text().help_account_name())]
        name: String,
        #[arg(long, value_name = "ID", help = text().help_account_id())]
        id: Option<AccountId>,
        #[arg(long, help = text().help_json())]
        json: bool,
        #[command(flatten)]
        data: Data,
    },
    #[command(about = text().about_account_list())]
    List {
        #[arg(long, help = text().help_json())]
        json: bool,
        #[command(flatten)]
        data: Data,
    },
}

impl Account {
    pub fn run(self) -> Result<(), Failure> {
        match self.what {
            What::Create { name, id, json, data } => {
                let data = data.folder()?;
                let question = Ask::AccountCreate { name, id };
                let answer = ask(&data, question).map_err(Failure::of_ask(&data))?;
                if let Answer::Account(key) = answer {
                    if json { show_json(&key) } else { show(&data, &key) }
                }
            }
            What::List { json, data } => {
                let data = data.folder()?;
                let answer = ask(&data, Ask::AccountList).map_err(Failure::of_ask(&data))?;
                if let Answer::Accounts(accounts) = answer {
                    if json {
                        say(&json!(accounts).to_string());
                    } else {
                        accounts.iter().for_each(|a| say(&format!("{} {}", a.id, a.name)));
                    }
                }
            }
        }
        Ok(())
    }
}

/// A root key as it is shown once, at the account's creation.
pub fn show(data: &DataDir, key: &RootKey) {
    say(&text().root_key_head(key.account.id.as_str()));
    say(&format!("  AWS_ACCESS_KEY_ID={}", key.access_key_id));
    say(&format!("  AWS_SECRET_ACCESS_KEY={}", key.secret_access_key));
    say(&format!("  {}", text().root_key_kept(&data.credentials())));
}

fn show_json(key: &RootKey) {
    let shown = json!({
        "id": key.account.id,
        "name": key.account.name,
        "access_key_id": key.access_key_id,
        "secret_access_key": key.secret_access_key,
    });
    say(&shown.to_string());
}

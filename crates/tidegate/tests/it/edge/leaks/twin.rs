//! A site of which there are two, and a clerk who sees a part of it.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};
use tidegate_testkit::postgres::{Postgres, PostgresDatabase};

use super::site::On;
use crate::{
    edge::server::{Asker, CONTROL_URL, Server},
    site::Shop,
};

/// What the clerk may do with the sales.
const CAPABILITIES: [&str; 5] =
    ["exports.download.own", "exports.list.own", "exports.schedule", "sales.export", "sales.list"];

/// The site.
pub(super) struct Twin {
    server: Server,
    ada: Asker,
    pub(super) clerk: Asker,
    /// The databases of the rows and of the control state, where they are on a server.
    databases: Option<[PostgresDatabase<'static>; 2]>,
}

impl Twin {
    /// A site with these rows, these lines about their subject, and what holds for the clerk.
    pub(super) fn new(on: On, rows: &str, subject: &str, role: &Value) -> Self {
        let shop = Shop::new();
        let databases =
            (on == On::Postgres).then(|| [(); 2].map(|()| Postgres::shared().database()));
        let (source, name, control_url) = match &databases {
            None => (String::new(), "shop", CONTROL_URL.to_owned()),
            Some([rows, control]) => {
                (format!("[sources.near]\nurl = \"{}\"\n", rows.url()), "near", control.url())
            }
        };
        let head = format!("slug = \"sales\"\nsource = \"{name}\"\ntable = \"sales\"");
        let configuration = format!("{source}\n[[subjects]]\n{head}\n{subject}");
        alter(&shop, databases.as_ref(), rows);
        let server = Server::on(shop, &control_url, &configuration, &[]);
        let ada = server.with_role("administrator");
        put_role(&ada, role);
        server.run(&["operators", "add", "clerk@example.com", "--role", "clerk"]);
        let clerk = server.with_role("clerk");
        // A notice comes when its sender gets to it, and every page counts those that are there.
        let quiet = json!({ "family": "jobs", "by_mail": false, "in_inbox": false });
        let path = "/api/v1/notifications/subscriptions";
        let put = clerk.request(Method::PUT, path).json(&quiet).send().unwrap();
        assert!(put.status().is_success(), "{}", put.text().unwrap());
        Self { server, ada, clerk, databases }
    }

    /// From now on this holds for the clerk.
    pub(super) fn let_clerk(&self, role: &Value) {
        put_role(&self.ada, role);
    }

    /// Changes the rows.
    pub(super) fn alter(&self, sql: &str) {
        alter(&self.server.shop, self.databases.as_ref(), sql);
    }
}

/// Runs statements where the rows are, and lets the database learn what there is.
fn alter(shop: &Shop, databases: Option<&[PostgresDatabase<'static>; 2]>, sql: &str) {
    let sql = format!("begin;\n{sql}\ncommit;\nanalyze;\n");
    let Some([rows, _]) = databases else {
        let script = shop.path("rows.sql");
        fs::write(&script, sql).unwrap();
        shop.sqlite(&format!(".read {}", script.display()));
        return;
    };
    // Rows that change move; without an order, they come as they lie there.
    rows.execute(&sql.replace("commit;", "commit;\ncluster sales using sales_pkey;"));
}

fn put_role(ada: &Asker, more: &Value) {
    let mut role = json!({ "capabilities": CAPABILITIES });
    role.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let put = ada.request(Method::PUT, "/api/v1/roles/clerk").json(&role).send().unwrap();
    assert_eq!(put.status(), 204, "{}", put.text().unwrap());
}

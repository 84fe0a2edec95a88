//! Paging, the same for every list: `limit`, `order`, `before`, `after`.

use crate::harness::{Client, TestServer, ids, on_both_databases};
use serde_json::{Value, json};

/// A list of five rows, oldest first, and its path.
struct Listed {
    path: String,
    rows: Vec<String>,
}

/// Returns every paged list, with five rows each.
async fn lists(management: &Client) -> Vec<Listed> {
    let mut rows: [Vec<String>; 4] = Default::default();
    let organization = management.organization("Acme").await;
    rows[0].push(organization.clone());
    for n in 0..4 {
        rows[0].push(management.organization(&format!("O{n}")).await);
    }
    let keys = format!("/organizations/{organization}/api_keys");
    for n in 0..5 {
        let permission = json!({"slug": format!("p{}", 9 - n), "name": "P"});
        rows[1].push(management.post("/authorization/permissions", permission).await.expect(201).text_at("id"));
        rows[2].push(management.machine(&organization, &[]).await["id"].as_str().unwrap().to_owned());
        rows[3].push(management.post(&keys, json!({"name": "K"})).await.expect(201).text_at("id"));
    }
    let paths = [
        "/organizations".to_owned(),
        "/authorization/permissions".to_owned(),
        "/connect/applications".to_owned(),
        keys,
    ];
    paths.into_iter().zip(rows).map(|(path, rows)| Listed { path, rows }).collect()
}

/// Returns a page: the numbers of its rows (1 is the oldest), and its cursors as such numbers.
async fn page(management: &Client, list: &Listed, query: &str) -> (Vec<usize>, Option<usize>, Option<usize>) {
    let mut query = query.to_owned();
    for (at, id) in list.rows.iter().enumerate() {
        query = query.replace(&format!("#{}", at + 1), id);
    }
    let answer = management.get(&format!("{}?{query}", list.path)).await;
    let metadata = answer.json()["list_metadata"].clone();
    let number = |id: &str| 1 + list.rows.iter().position(|known| known == id).expect("a row of this list");
    let cursor = |name: &str| metadata[name].as_str().map(number);
    let (before, after) = (cursor("before"), cursor("after"));
    (answer.expect_list().iter().map(|row| number(row["id"].as_str().unwrap())).collect(), before, after)
}

/// Follows a cursor to the end; returns every row seen.
async fn follow(management: &Client, path: &str, query: &str, cursor: &str) -> Vec<String> {
    let (mut seen, mut from) = (Vec::new(), String::new());
    for _ in 0..50 {
        let body = management.get(&format!("{path}?{query}{from}")).await.expect(200).json();
        seen.extend(ids(&body["data"]));
        match body["list_metadata"][cursor].as_str() {
            Some(id) => from = format!("&{cursor}={id}"),
            None => return seen,
        }
    }
    panic!("the pages do not end");
}

on_both_databases! {
    async fn every_list_pages_in_every_order(server: TestServer) {
        let management = server.management();
        for list in lists(&management).await {
            for (query, rows, before, after) in [
                ("", &[5, 4, 3, 2, 1][..], None, None),
                ("order=desc", &[5, 4, 3, 2, 1], None, None),
                ("limit=5", &[5, 4, 3, 2, 1], None, None),
                ("limit=100&order=asc", &[1, 2, 3, 4, 5], None, None),
                ("limit=2", &[5, 4], None, Some(4)),
                ("limit=2&after=#4", &[3, 2], Some(3), Some(2)),
                ("limit=2&after=#2", &[1], Some(1), None),
                ("limit=2&after=#1", &[], None, None),
                ("limit=2&before=#1", &[3, 2], Some(3), Some(2)),
                ("limit=2&before=#3", &[5, 4], None, Some(4)),
                ("limit=2&before=#4", &[5], None, Some(5)),
                ("limit=2&before=#5", &[], None, None),
                ("limit=2&order=asc", &[1, 2], None, Some(2)),
                ("limit=2&order=asc&after=#2", &[3, 4], Some(3), Some(4)),
                ("limit=2&order=asc&after=#4", &[5], Some(5), None),
                ("limit=2&order=asc&before=#4", &[2, 3], Some(2), Some(3)),
                ("limit=2&order=asc&before=#3", &[1, 2], None, Some(2)),
                ("limit=2&order=normal", &[5, 4], Some(4), None),
                ("limit=2&order=normal&before=#4", &[3, 2], Some(2), Some(3)),
                ("limit=2&order=normal&before=#2", &[1], None, Some(1)),
                ("limit=2&order=normal&after=#1", &[3, 2], Some(2), Some(3)),
                ("limit=2&order=normal&after=#3", &[5, 4], Some(4), None),
                ("limit=1&order=desc&after=#3&before=", &[2], Some(2), Some(2)),
                ("limit=&order=&after=&before=", &[5, 4, 3, 2, 1], None, None),
                ("limit=2&limit=2", &[5, 4], None, Some(4)),
            ] {
                let expected = (rows.to_vec(), before, after);
                assert_eq!(page(&management, &list, query).await, expected, "{} {query}", list.path);
            }
        }
    }

    async fn parameters_are_bounded(server: TestServer) {
        let management = server.management();
        for list in lists(&management).await {
            let invalid = async |query: &str, field: &str| {
                management.get(&format!("{}?{query}", list.path)).await.expect_invalid(&[(field, "invalid")]);
            };
            for limit in ["0", "101", "-1", "%2B5", "ten", "1e2", "5.0", "0x5", "99999999999999999999", "%205", "١"] {
                invalid(&format!("limit={limit}"), "limit").await;
            }
            for order in ["up", "DESC", "desc,asc", "1"] {
                invalid(&format!("order={order}"), "order").await;
            }
            let row = &list.rows[0];
            for cursor in ["x", "1", "null", "user_01EHZNVPK3SFK441A1RGBFSHRT", &row.to_lowercase(), &row[..row.len() - 1], &format!("{row}x"), "%27%20OR%201=1--"] {
                invalid(&format!("after={cursor}"), "after").await;
                invalid(&format!("before={cursor}"), "before").await;
            }
            invalid(&format!("before={row}&after={row}"), "after").await;
            invalid("limit=1&limit=2", "limit").await;
            invalid(&format!("after={row}&after={}", list.rows[1]), "after").await;
            for broken in ["limit=%ff", "after=%00", "x=%C3%28"] {
                invalid(broken, "query").await;
            }
            let several = management.get(&format!("{}?limit=0&order=x&after=y", list.path)).await;
            several.expect_invalid(&[("limit", "invalid"), ("order", "invalid"), ("after", "invalid")]);
            let (rows, ..) = page(&management, &list, "unknown=1&limit=1").await;
            assert_eq!(rows, [5], "unknown parameters are ignored");
        }
    }

    async fn ten_rows_are_a_page_and_a_hundred_the_most(server: TestServer) {
        let management = server.management();
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..104 {
            let management = management.clone();
            tasks.spawn(async move { management.organization(&format!("O{n}")).await });
        }
        let mut made = tasks.join_all().await;
        made.sort();
        assert_eq!(ids(&management.get("/organizations").await.json()["data"]).len(), 10);
        assert_eq!(ids(&management.get("/organizations?limit=100&order=desc").await.json()["data"]).len(), 100);
        assert_eq!(follow(&management, "/organizations", "limit=100&order=asc", "after").await, made);
        assert_eq!(follow(&management, "/organizations", "limit=7&order=asc", "after").await, made);
        made.reverse();
        assert_eq!(follow(&management, "/organizations", "limit=13", "after").await, made);
        assert_eq!(follow(&management, "/organizations", "order=normal&limit=9", "before").await, made);
    }

    async fn a_cursor_whose_row_is_gone_is_still_a_position(server: TestServer) {
        let management = server.management();
        let list = lists(&management).await.remove(2);
        let gone = list.rows[2].clone();
        management.delete(&format!("{}/{gone}", list.path)).await.expect(204);
        assert_eq!(page(&management, &list, "after=#3").await, (vec![2, 1], Some(2), None));
        assert_eq!(page(&management, &list, "before=#3").await, (vec![5, 4], None, Some(4)));
        assert_eq!(page(&management, &list, "order=asc&limit=1&after=#3").await, (vec![4], Some(4), Some(4)));
        // An identifier that never had a row is a valid position too: before everything.
        let (rows, ..) = page(&management, &list, "order=asc&after=app_00000000000000000000000000").await;
        assert_eq!(rows, [1, 2, 4, 5]);
        let other_prefix = list.rows[3].replace("app_", "conn_app_");
        assert_eq!(page(&management, &list, &format!("after={other_prefix}")).await.0, [2, 1]);
    }

    async fn deleting_while_paging_misses_nothing(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        let mut made = Vec::new();
        for _ in 0..9 {
            made.push(management.machine(&organization, &[]).await["id"].as_str().unwrap().to_owned());
        }
        made.reverse();
        let (mut seen, mut from) = (Vec::new(), String::new());
        loop {
            let body = management.get(&format!("/connect/applications?limit=2{from}")).await.expect(200).json();
            let rows = ids(&body["data"]);
            for id in &rows {
                management.delete(&format!("/connect/applications/{id}")).await.expect(204);
            }
            seen.extend(rows);
            match body["list_metadata"]["after"].as_str() {
                Some(id) => from = format!("&after={id}"),
                None => break,
            }
        }
        assert_eq!(seen, made);
        assert_eq!(management.get("/connect/applications").await.expect_list(), Vec::<Value>::new());
    }

    async fn rows_made_while_paging_do_not_shift_the_pages(server: TestServer) {
        let management = server.management();
        let list = lists(&management).await.remove(0);
        assert_eq!(page(&management, &list, "limit=2").await.0, [5, 4]);
        management.organization("New").await;
        assert_eq!(page(&management, &list, "limit=2&after=#4").await.0, [3, 2]);
    }

    async fn an_empty_list_has_no_cursors(server: TestServer) {
        let management = server.management();
        for path in ["/organizations", "/authorization/permissions", "/connect/applications"] {
            for order in ["asc", "desc", "normal"] {
                let body = management.get(&format!("{path}?order={order}")).await.expect(200).json();
                assert_eq!(body, json!({"object": "list", "data": [], "list_metadata": {"before": null, "after": null}}));
            }
        }
    }
}

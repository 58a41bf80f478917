//! Work that lasts: a form is one job, a job takes effect once, whoever takes it up and however often, and what was sent
//! for it is nobody's to read.

use std::collections::BTreeMap;
use std::io::Cursor;

use consign::identity;
use consign::portfolio::personal::Key;
use consign::web::{Site, application};
use consign::work::store::{self, End};
use consign::work::{self, Declared, Job, Order, Outcome, Sent, Status, Worker};

use crate::app::TestApp;
use crate::life_web::ready;
use crate::server::Served;
use crate::support::{Book, all_to, day, on_each_database, postgres};

fn key() -> Key {
    Key::of("a secret of the tests")
}

/// Asks for a job as somebody's form would.
fn ask(book: &mut Book, login: &str, form_key: &str, order: &Order, file: Option<&str>) -> Job {
    let person = identity::store::person(&mut book.db, login).unwrap().unwrap();
    let job = Job::new(&book.lender, &person, "127.0.0.1", form_key, order).unwrap();
    let mut file = file.map(|text| Cursor::new(text.to_string()));
    let sent = file.as_mut().map(|file| file as &mut dyn Sent);
    work::ask(&mut book.db, job, Some(&key()), sent).unwrap()
}

fn now(book: &mut Book, job: &Job) -> Job {
    store::job(&mut book.db, &job.lender, &job.id).unwrap().unwrap()
}

fn worker(book: &Book) -> Worker {
    Worker::new(&book.address, Some(key()), Some(day("2026-03-01")))
}

/// Carries out what waits.
fn work_off(book: &Book) -> usize {
    let mut worker = worker(book);
    let mut done = 0;
    while worker.step().unwrap() {
        done += 1;
    }
    done
}

fn simulate(on: &str) -> Order {
    Order::Simulate { on: day(on), strategy: all_to("A01") }
}

fn contacts() -> Order {
    Order::ImportContacts {
        file: "calls.csv".to_string(),
        agency: "A01".to_string(),
        own: true,
        declared: Declared::default(),
    }
}

/// A contact of an account that A01 holds, with a number that nobody else has.
const CALLS: &str = "reference,account_no,at,number\nc1,1,2026-02-10 10:00,13987654321\n";

#[test]
fn each_job_takes_effect_once_whoever_takes_it_up() {
    on_each_database(|book| {
        ready(book);
        let jobs: Vec<Job> = (0..6)
            .map(|i| ask(book, "manager@cfc", &format!("{i:032x}"), &simulate("2026-02-20"), None))
            .collect();
        let again = ask(book, "manager@cfc", &format!("{:032x}", 0), &simulate("2026-02-21"), None);
        assert_eq!(again, jobs[0], "a form that is sent twice is one job");
        let done: usize = std::thread::scope(|scope| {
            let book = &*book;
            let address = book.address.clone();
            let threads: Vec<_> = (0..3)
                .map(|_| {
                    let address = address.clone();
                    scope.spawn(move || {
                        let mut worker =
                            Worker::new(&address, Some(key()), Some(day("2026-03-01")));
                        let mut done = 0;
                        // Another worker's job keeps the book for a moment.
                        for _ in 0..200 {
                            if worker.step().unwrap() {
                                done += 1;
                            } else {
                                std::thread::sleep(std::time::Duration::from_millis(10));
                            }
                        }
                        done
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(done, jobs.len());
        let mut runs: Vec<i64> = jobs
            .iter()
            .map(|job| {
                let job = now(book, job);
                assert_eq!((job.status, job.tries), (Status::Done, 1), "{job:?}");
                match job.came(Some(&key())) {
                    Some(Outcome::Run { run_no }) => run_no,
                    other => panic!("{other:?}"),
                }
            })
            .collect();
        runs.sort_unstable();
        assert_eq!(runs, (3..9).collect::<Vec<i64>>(), "two runs were there before");
        assert_eq!(book.count("allocation_run"), 8);
        book.assert_proven();
    });
}

#[test]
fn a_job_whose_worker_is_gone_is_begun_again_and_the_one_who_lost_it_cannot_end_it() {
    on_each_database(|book| {
        ready(book);
        let job = ask(book, "manager@cfc", &format!("{:032x}", 1), &simulate("2026-02-20"), None);
        let (then, soon) = ("2026-03-01T00:00:00.000000Z", "2026-03-01T00:00:30.000000Z");
        assert!(store::claim(&mut book.db, &job, "gone", then, soon).unwrap());
        assert!(!store::claim(&mut book.db, &job, "another", then, soon).unwrap(), "it is taken");
        let after = now(book, &job);
        assert_eq!((after.status, after.worker.as_deref()), (Status::Running, Some("gone")));
        assert_eq!(work_off(book), 1, "the lease ran out long ago");
        let after = now(book, &job);
        assert_eq!((after.status, after.tries), (Status::Done, 2));
        let late = store::end(&mut book.db, &job, "gone", &End::Done("{}"), then).unwrap();
        assert!(!late, "whoever was gone ends nothing");
        assert_eq!(now(book, &job), after);
        assert_eq!(book.count("allocation_run"), 3);
        // One that is begun again and again is given up.
        let job = ask(book, "manager@cfc", &format!("{:032x}", 2), &simulate("2026-02-20"), None);
        for _ in 0..3 {
            assert!(store::claim(&mut book.db, &job, "gone", soon, then).unwrap());
        }
        assert_eq!(work_off(book), 1);
        let after = now(book, &job);
        assert_eq!(
            (after.status, after.failure),
            (Status::Failed, Some(work::Failure::GaveUp)),
            "{after:?}"
        );
        assert_eq!(book.count("allocation_run"), 3);
    });
}

#[test]
fn a_job_that_fails_says_why_and_changes_nothing() {
    on_each_database(|book| {
        ready(book);
        let before = book.trial_balance();
        let wrong = Order::Simulate { on: day("2026-02-20"), strategy: "name = \"x\"\n".into() };
        let job = ask(book, "manager@cfc", &format!("{:032x}", 1), &wrong, None);
        let committed = Order::Commit { run_no: 1 };
        let other = ask(book, "manager@cfc", &format!("{:032x}", 2), &committed, None);
        let unfit =
            ask(book, "manager@a01", &format!("{:032x}", 3), &contacts(), Some("a,b\n1,2\n"));
        assert_eq!(work_off(book), 3);
        for (job, said) in
            [(&job, "method"), (&other, "was committed before"), (&unfit, "calls.csv: ")]
        {
            let job = now(book, job);
            assert_eq!((job.status, job.failure), (Status::Failed, Some(work::Failure::Refused)));
            match job.came(Some(&key())) {
                Some(Outcome::Refused { en, .. }) => assert!(en.contains(said), "{en}"),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(book.count("job_file"), 0, "what was sent is gone");
        assert_eq!(book.trial_balance(), before);
        assert_eq!(book.count("allocation_run"), 2);
        book.assert_proven();
    });
}

#[test]
fn what_waits_can_be_called_off() {
    on_each_database(|book| {
        ready(book);
        let job = ask(book, "manager@a01", &format!("{:032x}", 1), &contacts(), Some(CALLS));
        assert!(book.count("job_file") > 0);
        let when = "2026-03-01T00:00:00.000000Z";
        store::cancel(&mut book.db, &job, "manager@a01", when).unwrap();
        assert_eq!(work_off(book), 0);
        let after = now(book, &job);
        assert_eq!(
            (after.status, after.cancelled_by.as_deref()),
            (Status::Cancelled, Some("manager@a01"))
        );
        assert_eq!((book.count("job_file"), book.count("contact")), (0, 0));
        // One that runs elsewhere stops when its worker looks; a worker that comes later finds it called off.
        let job = ask(book, "manager@a01", &format!("{:032x}", 2), &contacts(), Some(CALLS));
        assert!(store::claim(&mut book.db, &job, "gone", when, when).unwrap());
        store::cancel(&mut book.db, &job, "manager@a01", when).unwrap();
        assert_eq!(now(book, &job).status, Status::Running);
        assert!(!store::end(&mut book.db, &job, "gone", &End::Done("{}"), when).unwrap());
        assert_eq!(work_off(book), 1);
        assert_eq!(now(book, &job).status, Status::Cancelled);
        assert_eq!((book.count("job_file"), book.count("contact")), (0, 0));
    });
}

/// Whether the database has some bytes in plain, in whatever table.
fn holds(book: &mut Book, bytes: &str) -> bool {
    if book.is_postgres() {
        let hex = hex_of(bytes);
        let parts = format!("job_file WHERE POSITION('{hex}' IN ENCODE(body, 'hex')) > 0");
        let texts =
            format!("job WHERE POSITION('{bytes}' IN COALESCE(outcome, '') || arguments) > 0");
        return book.count(&parts) + book.count(&texts) > 0;
    }
    let path = book.url.trim_start_matches("sqlite:").to_string();
    ["", "-wal"].iter().any(|ending| {
        let kept = std::fs::read(format!("{path}{ending}")).unwrap_or_default();
        kept.windows(bytes.len()).any(|window| window == bytes.as_bytes())
    })
}

fn hex_of(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_file_that_waits_is_sealed_and_goes_when_its_job_ends() {
    on_each_database(|book| {
        ready(book);
        // A row that is rejected, so that the report repeats what stood there.
        let calls = format!("{CALLS}c2,1,13800001111,\n");
        let long = format!("{calls}{}", "c3,1,2026-02-11 10:00,13987654321\n".repeat(80_000));
        let job = ask(book, "manager@a01", &format!("{:032x}", 1), &contacts(), Some(&long));
        assert!(book.count("job_file") > 2, "a file of several megabytes has several parts");
        assert!(!holds(book, "13987654321"), "a number stands in the database in plain");
        // A part that is missing, or stands in another's place, does not open.
        book.sql("UPDATE job_file SET part = 9 WHERE part = 1").unwrap();
        assert_eq!(work_off(book), 1);
        let after = now(book, &job);
        assert_eq!(
            (after.status, after.failure),
            (Status::Failed, Some(work::Failure::Unreadable))
        );
        let job = ask(book, "manager@a01", &format!("{:032x}", 2), &contacts(), Some(&calls));
        assert_eq!(work_off(book), 1);
        let after = now(book, &job);
        match after.came(Some(&key())) {
            Some(Outcome::Imported(done)) => {
                assert_eq!((done.rows, done.accepted, done.rejected), (2, 1, 1));
                assert_eq!(done.faults[0].value, "13800001111");
            }
            other => panic!("{other:?} of {after:?}"),
        }
        assert_eq!(after.came(Some(&Key::of("another"))), None);
        assert_eq!(book.count("job_file WHERE what = 'sent'"), 0, "what was sent is gone");
        assert_eq!(book.count("job_file WHERE what = 'rejects'"), 1);
        for number in ["13987654321", "13800001111"] {
            assert!(!holds(book, number), "{number} stands in the database in plain");
        }
        // Another key opens no file.
        let job = ask(book, "manager@a01", &format!("{:032x}", 3), &contacts(), Some(&calls));
        let mut other = Worker::new(&book.address, Some(Key::of("another")), None);
        assert!(other.step().unwrap());
        let after = now(book, &job);
        assert_eq!(
            (after.status, after.failure),
            (Status::Failed, Some(work::Failure::Unreadable))
        );
        book.assert_proven();
    });
}

#[test]
fn pages_tell_of_a_job_to_its_own_organisation_alone() {
    on_each_database(|book| {
        ready(book);
        let app = TestApp::on(book, "2026-03-01");
        let agency = app.browser("manager@a01");
        let form_key = format!("{:032x}", 7);
        let calls = format!("{CALLS}c2,1,yesterday,\n");
        let send = || {
            let fields = [("key", form_key.as_str())];
            agency.upload("/contacts/send?lender=CFC", &fields, "calls.csv", &calls)
        };
        let (first, second) = (send(), send());
        assert_eq!((first.status, first.location()), (303, second.location()));
        let page = agency.follow(&first, "en").body;
        assert_eq!(book.count("job"), 1, "a form that is sent twice is one job");
        assert_eq!(book.count("contact"), 1);
        for one in ["but for the rows below", "yesterday", "/rejects.csv", "manager@a01"] {
            assert!(page.contains(one), "no {one} in {page}");
        }
        assert!(!page.contains("/cancel\""), "it is over: {page}");
        let path = first.location().split('?').next().unwrap().to_string();
        let rejects = agency.get(&format!("{path}/rejects.csv")).body;
        let line = rejects.lines().nth(1).unwrap_or_default();
        assert!(line.starts_with("c2,1,yesterday,") && line.contains(",3,at,"), "{rejects}");
        let list = agency.get("/jobs?lang=zh").body;
        assert!(list.contains(&path) && list.contains("导入催收记录"), "{list}");

        for login in ["manager@a02", "manager@nbk", "manager@cfc", "compliance@cfc", "viewer@a01"] {
            let other = app.browser(login);
            for path in [path.clone(), format!("{path}/rejects.csv")] {
                let none = other.get(&path.replace("/jobs/", "/jobs/0")).status;
                assert_eq!((other.get(&path).status, none), (404, 404), "{login} {path}");
            }
            assert_eq!(other.post(&format!("{path}/cancel"), &[]).status, 404, "{login}");
            assert!(!other.get("/jobs").body.contains(&path), "{login}");
        }
        // A lender's own jobs are its own too.
        let manager = app.browser("manager@cfc");
        let strategy = all_to("A01");
        let form_key = format!("{:032x}", 8);
        let fields = [("key", form_key.as_str()), ("on", "2026-02-20"), ("strategy", &strategy)];
        let run = manager.post("/allocation/new", &fields);
        assert_eq!((run.status, run.location()), (303, "/allocation/3"));
        let list = manager.get("/jobs?lang=en").body;
        assert!(list.contains("href=\"/allocation/3\"") && !list.contains(&path), "{list}");
    });
}

#[test]
fn servers_on_one_database_share_their_jobs() {
    let Some(url) = postgres() else { return };
    let mut book = Book::on_postgres(&url);
    ready(&mut book);
    let jobs: Vec<Job> = (0..5)
        .map(|i| ask(&mut book, "manager@cfc", &format!("{i:032x}"), &simulate("2026-02-20"), None))
        .collect();
    let sites = [Site::open(&book.address).unwrap(), Site::open(&book.address).unwrap()];
    let sites = sites.map(|site| site.with_key(key()).on_day(day("2026-03-01")));
    let applications = sites.map(application);
    for _ in 0..600 {
        if jobs.iter().all(|job| now(&mut book, job).status == Status::Done) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    drop(applications);
    let ended: Vec<Job> = jobs.iter().map(|job| now(&mut book, job)).collect();
    assert!(ended.iter().all(|job| (job.status, job.tries) == (Status::Done, 1)), "{ended:?}");
    assert_eq!(book.count("allocation_run"), 7);
    let mut by_worker: BTreeMap<String, usize> = BTreeMap::new();
    for job in ended {
        *by_worker.entry(job.worker.unwrap()).or_default() += 1;
    }
    assert!(!by_worker.is_empty());
    book.assert_proven();
}

/// A portfolio that takes a while, and whose last row is rejected.
fn many_accounts(rows: usize) -> String {
    let rows: String = (0..rows).map(|i| format!("M{i:06},{}.00,45\n", 100 + i % 900)).collect();
    format!("account_no,balance,days_past_due\n{rows}M,never,45\n")
}

fn portfolio() -> Order {
    Order::ImportPortfolio {
        file: "many.csv".to_string(),
        as_of: day("2026-02-15"),
        declared: Declared::default(),
    }
}

/// Waits until a job is as it should be.
fn wait_until(book: &mut Book, job: &Job, wanted: impl Fn(&Job) -> bool) -> Job {
    for _ in 0..1_200 {
        let job = now(book, job);
        if wanted(&job) {
            return job;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("it stays {:?}", now(book, job));
}

#[test]
fn a_server_that_is_killed_leaves_a_job_to_the_next_one() {
    on_each_database(|book| {
        ready(book);
        let file = many_accounts(30_000);
        // What the command line makes of the same file, in a book of its own.
        let lender = std::mem::replace(&mut book.lender, "NBK".to_string());
        let path = book.file("many.csv", &file);
        let expected = book.try_portfolio(&path, "2026-02-15", &Default::default()).unwrap();
        book.lender = lender;
        let before = book.trial_balance();
        let job = ask(book, "manager@cfc", &format!("{:032x}", 1), &portfolio(), Some(&file));
        let arguments = ["--connections", "50"];
        let environment =
            [("CONSIGN_KEY", "a secret of the tests"), ("CONSIGN_TODAY", "2026-03-01")];
        let served = Served::with(book, &arguments, &environment);
        let begun = wait_until(book, &job, |job| job.status == Status::Running);
        std::thread::sleep(std::time::Duration::from_millis(300));
        drop(served);
        let left = now(book, &job);
        assert_eq!((left.status, left.worker), (Status::Running, begun.worker), "it was under way");
        assert_eq!(book.trial_balance(), before, "and did nothing");
        // Nobody waits half a minute in a test.
        book.sql("UPDATE job SET lease_until = '2026-01-01T00:00:00.000000Z'").unwrap();
        let served = Served::with(book, &arguments, &environment);
        let after = wait_until(book, &job, |job| job.status.is_over());
        drop(served);
        assert_eq!((after.status, after.tries), (Status::Done, 2));
        match after.came(Some(&key())) {
            Some(Outcome::Imported(done)) => {
                assert_eq!(
                    (done.rows, done.accepted, done.rejected),
                    (expected.rows, expected.accepted, expected.rejected)
                );
                let told: Vec<(u64, String)> =
                    done.faults.into_iter().map(|one| (one.line, one.en)).collect();
                let faults = expected.faults.iter();
                let faults: Vec<(u64, String)> =
                    faults.map(|one| (one.line, one.reason.to_string())).collect();
                assert_eq!((told.len(), told), (1, faults));
                assert_eq!(done.totals["total"], expected.totals.total);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(book.count("portfolio WHERE lender = 'CFC' AND as_of = '2026-02-15'"), 1);
        assert_eq!(book.count("job_file WHERE what = 'sent'"), 0);
        book.assert_proven();
    });
}

#[test]
fn a_job_that_runs_is_called_off_and_leaves_nothing() {
    on_each_database(|book| {
        ready(book);
        let (before, counted) = (book.trial_balance(), book.count("portfolio_row"));
        let file = many_accounts(40_000);
        let app = TestApp::on(book, "2026-03-01");
        let manager = app.browser("manager@cfc");
        let token = manager.token();
        assert!(!token.is_empty());
        let job = ask(book, "manager@cfc", &format!("{:032x}", 1), &portfolio(), Some(&file));
        let path = format!("/jobs/{}?lang=en", job.id);
        let mut page = String::new();
        for _ in 0..1_000 {
            page = manager.get(&path).body;
            if page.contains("importing accounts") {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        assert!(page.contains("importing accounts"), "how far it is: {page}");
        assert_eq!(manager.post(&format!("/jobs/{}/cancel", job.id), &[]).status, 303);
        let after = wait_until(book, &job, |job| job.status.is_over());
        assert_eq!(after.status, Status::Cancelled, "{after:?}");
        let page = manager.get(&path).body;
        assert!(page.contains("called off") && !page.contains("/cancel"), "{page}");
        assert_eq!((book.trial_balance(), book.count("portfolio_row")), (before, counted));
        assert_eq!(book.count("job_file"), 0);
        book.assert_proven();
    });
}

#[test]
fn who_has_lost_a_job_undoes_what_it_did() {
    let Some(url) = postgres() else { return };
    let mut book = Book::on_postgres(&url);
    ready(&mut book);
    let counted = book.count("portfolio_row");
    let file = many_accounts(40_000);
    let job = ask(&mut book, "manager@cfc", &format!("{:032x}", 1), &portfolio(), Some(&file));
    let mut slow = worker(&book);
    let thread = std::thread::spawn(move || slow.step());
    wait_until(&mut book, &job, |job| job.status == Status::Running);
    // Another worker has it now: as if the first had not renewed its lease.
    book.sql("UPDATE job SET worker = 'thief', lease_until = '2026-01-01T00:00:00.000000Z'")
        .unwrap();
    assert!(thread.join().unwrap().unwrap());
    assert_eq!(book.count("portfolio_row"), counted, "the slow one has done nothing");
    assert_eq!(now(&mut book, &job).worker.as_deref(), Some("thief"));
    assert_eq!(work_off(&book), 1);
    assert_eq!(now(&mut book, &job).status, Status::Done);
    assert_eq!(book.count("portfolio_row"), counted + 40_000);
    book.assert_proven();
}

#[test]
fn money_is_taken_in_and_a_month_closed_by_the_pages() {
    on_each_database(|book| {
        ready(book);
        let app = TestApp::on(book, "2026-03-05");
        let finance = app.browser("preparer@cfc");
        let money = "reference,account_no,received_on,amount\nR1,1,2026-02-10,100.00\n";
        let send = |number: u32, total: &str| {
            let key = format!("{number:032x}");
            let fields = [("key", key.as_str()), ("total", total)];
            let sent = finance.upload("/recoveries/send", &fields, "money.csv", money);
            finance.follow(&sent, "en").body
        };
        let page = send(1, "99.00");
        assert!(page.contains("declared 99.00") && page.contains("nothing was taken in"), "{page}");
        let page = send(2, "100.00");
        assert!(page.contains("The file was taken in.") && page.contains("100.00"), "{page}");

        let form = finance.get("/months/close?lang=en").body;
        assert!(form.contains("value=\"2026-02\""), "{form}");
        let close = |month: &str, number: u32| {
            let key = format!("{number:032x}");
            finance.post("/months/close?lang=en", &[("key", key.as_str()), ("month", month)])
        };
        let ahead = close("2026-03", 3);
        assert!(ahead.status == 422 && ahead.body.contains("2026-02"), "{}", ahead.body);
        let closed = [close("2026-02", 4), close("2026-02", 4)];
        assert_eq!(closed[0].location(), closed[1].location());
        let page = finance.follow(&closed[0], "en").body;
        let told = page.contains("The month is closed") && page.contains("/statements/CFC-0000");
        assert!(told, "{page}");
        let early = close("2026-03", 5);
        assert!(early.status == 422 && early.body.contains("not over"), "{}", early.body);
        for login in ["manager@cfc", "viewer@cfc", "manager@a01"] {
            let other = app.browser(login);
            assert_eq!(other.get("/months/close").status, 404, "{login}");
            let sent = other.upload("/recoveries/send", &[], "money.csv", money);
            assert_eq!(sent.status, 404, "{login}");
        }
        assert_eq!(book.count("period WHERE lender = 'CFC'"), 2);
        book.assert_proven();
    });
}

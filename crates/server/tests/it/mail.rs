//! Mail: queued with what it is about, handed over by a worker.

use parlor_server::mail::{self, Mail, Recipient};

use crate::support::start_with_mail;

fn ada() -> Recipient {
    Recipient {
        user_id: None,
        email: "ada@example.org".to_owned(),
        name: "Ada Müller".to_owned(),
        locale: "de".to_owned(),
    }
}

#[tokio::test]
async fn mail_3_a_mail_exists_only_if_what_it_is_about_does() {
    let t = start_with_mail().await;
    assert!(t.app.config.must_verify_email(), "mail is on");
    let link = mail::link(&t.app, "/reset", "the-token");
    let reset = Mail::ResetPassword {
        link: link.clone(),
        minutes: 60,
    };
    let tx = t.app.db.begin().await.unwrap();
    mail::enqueue(&t.app, &tx, &ada(), &reset).await.unwrap();
    drop(tx);
    assert!(t.mails_to("ada@example.org").await.is_empty(), "rolled back");
    let tx = t.app.db.begin().await.unwrap();
    mail::enqueue(&t.app, &tx, &ada(), &reset).await.unwrap();
    tx.commit().await.unwrap();
    let received = t.mail_to("ada@example.org", "reset_password").await;
    assert_eq!(received.mail, reset);
    assert_eq!(received.link(), link);
    assert_eq!(received.path(), "/reset?token=the-token");
    assert_eq!(received.token(), "the-token");
    assert_eq!(received.subject, "Wähle ein neues Passwort");
    assert!(received.text.starts_with("Hallo Ada Müller,"), "{}", received.text);
    assert!(received.html.contains(&link));
}

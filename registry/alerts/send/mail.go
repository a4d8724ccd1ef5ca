package send

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/streamgauge/streamgauge/registry/webhook"
	hooks "github.com/streamgauge/streamgauge/registry/webhook/send"
)

// mailMax is how long one attempt may take.
const mailMax = 30 * time.Second

// Mailer sends e-mail over one SMTP server.
type Mailer struct {
	host, from string
	options    []mail.Option
}

// NewMailer reads the address of a server: smtp://user:password@host:587?from=streamgauge@example.org, which speaks TLS if the
// server offers it and insists on it where there is a password; or smtps:// for TLS from the first byte. "" is no server: nil.
func NewMailer(address string) (*Mailer, error) {
	if address == "" {
		return nil, nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("it is no address; give smtp://user:password@host:587?from=name@host") // what is wrong may show the password
	}
	if u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" {
		return nil, fmt.Errorf("'%s' is no address of a mail server; give smtp:// or smtps://host", u.Redacted())
	}
	m := &Mailer{host: u.Hostname(), from: u.Query().Get("from"), options: []mail.Option{mail.WithTimeout(mailMax)}}
	if m.from == "" {
		m.from = "streamgauge@" + u.Hostname()
	}
	if err := mail.NewMsg().From(m.from); err != nil {
		return nil, fmt.Errorf("from: '%s' is no e-mail address; give ?from=name@host", m.from)
	}
	port := mail.DefaultPortTLS
	if u.Scheme == "smtps" {
		port = mail.DefaultPortSSL
		m.options = append(m.options, mail.WithSSL())
	}
	if text := u.Port(); text != "" {
		if port, err = strconv.Atoi(text); err != nil || port < 1 || port > 65535 {
			return nil, fmt.Errorf("'%s' is no port", text)
		}
	}
	m.options = append(m.options, mail.WithPort(port))
	policy := mail.TLSOpportunistic
	if password, has := u.User.Password(); has {
		policy = mail.TLSMandatory
		m.options = append(m.options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(u.User.Username()), mail.WithPassword(password))
	}
	if u.Scheme == "smtp" {
		m.options = append(m.options, mail.WithTLSPolicy(policy))
	}
	return m, nil
}

// send makes one attempt. The id is the same of all attempts, so that mail programs can tell what came twice.
func (m *Mailer) send(ctx context.Context, to []string, id, subject, text string) hooks.Answer {
	if m == nil {
		return hooks.Answer{Outcome: webhook.Outcome{Final: true}, Err: errors.New("there is no mail server; start with --smtp-url")}
	}
	msg := mail.NewMsg()
	err := errors.Join(msg.From(m.from), msg.To(to...))
	if err != nil {
		return hooks.Answer{Outcome: webhook.Outcome{Final: true}, Err: err}
	}
	msg.Subject(subject)
	msg.SetMessageIDWithValue(id + "@streamgauge")
	msg.SetDate()
	msg.SetBodyString(mail.TypeTextPlain, text)
	client, err := mail.NewClient(m.host, m.options...)
	if err != nil {
		return hooks.Answer{Outcome: webhook.Outcome{Final: true}, Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, mailMax)
	defer cancel()
	err = client.DialAndSendWithContext(ctx, msg)
	if err == nil {
		return hooks.Answer{Outcome: webhook.Outcome{Status: sent}}
	}
	var said *mail.SendError
	final := errors.As(err, &said) && !said.IsTemp() && said.ErrorCode() >= 500
	return hooks.Answer{Outcome: webhook.Outcome{Final: final}, Err: err}
}

// sent stands for a mail that the server has taken, as HTTP says it: SMTP's 250 means the same.
const sent = 250

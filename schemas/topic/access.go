package topic

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// Access is how brokers are spoken to. The zero value is in the clear and without a name.
type Access struct {
	// TLS encrypts. CA is a PEM file with who signs the brokers' certificates; empty: those that the machine trusts.
	// Cert and Key are PEM files with a certificate of our own; both or none. Each of the three means TLS.
	TLS           bool
	CA, Cert, Key string
	// SASL is plain, scram-sha-256 or scram-sha-512; empty: nobody logs in.
	SASL           string
	User, Password string
}

// errPlain: a password in the clear is everybody's.
var errPlain = errors.New("plain sends the password as it is, so it needs TLS; add --kafka-tls, or use scram-sha-512")

// open reads the files and checks what belongs together.
func (a Access) open() (*tls.Config, sasl.Mechanism, error) {
	config, err := a.encryption()
	if err != nil {
		return nil, nil, err
	}
	login, err := a.login()
	if err == nil && strings.EqualFold(a.SASL, "plain") && config == nil {
		err = errPlain
	}
	return config, login, err
}

// Check says what is wrong, each with its remedy.
func (a Access) Check() error {
	_, _, err := a.open()
	return err
}

func (a Access) encryption() (*tls.Config, error) {
	if !a.TLS && a.CA == "" && a.Cert == "" && a.Key == "" {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if a.CA != "" {
		pem, err := os.ReadFile(a.CA)
		if err != nil {
			return nil, fmt.Errorf("--kafka-ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--kafka-ca %s has no certificate in PEM", a.CA)
		}
	}
	if (a.Cert == "") != (a.Key == "") {
		return nil, errors.New("--kafka-cert and --kafka-key belong together; name both or none")
	}
	if a.Cert != "" {
		pair, err := tls.LoadX509KeyPair(a.Cert, a.Key)
		if err != nil {
			return nil, fmt.Errorf("--kafka-cert %s, --kafka-key %s: %w", a.Cert, a.Key, err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

func (a Access) login() (sasl.Mechanism, error) {
	if a.SASL == "" {
		if a.User != "" || a.Password != "" {
			return nil, errors.New("--kafka-user is of no use without --kafka-sasl; say plain, scram-sha-256 or scram-sha-512")
		}
		return nil, nil
	}
	if a.User == "" || a.Password == "" {
		return nil, fmt.Errorf("--kafka-sasl %s needs --kafka-user and a password in STREAMGAUGE_KAFKA_PASSWORD", a.SASL)
	}
	var algorithm scram.Algorithm
	switch strings.ToLower(a.SASL) {
	case "plain":
		return plain.Mechanism{Username: a.User, Password: a.Password}, nil
	case "scram-sha-256":
		algorithm = scram.SHA256
	case "scram-sha-512":
		algorithm = scram.SHA512
	default:
		return nil, fmt.Errorf("--kafka-sasl %q is none; say plain, scram-sha-256 or scram-sha-512", a.SASL)
	}
	m, err := scram.Mechanism(algorithm, a.User, a.Password)
	if err != nil {
		return nil, fmt.Errorf("--kafka-user: %w", err)
	}
	return m, nil
}

package app

import (
	"github.com/spf13/pflag"

	"github.com/streamgauge/streamgauge/schemas/topic"
)

// kafkaAccess defines the flags for brokers that want TLS or a login.
func kafkaAccess(f *pflag.FlagSet, a *topic.Access) {
	f.BoolVar(&a.TLS, "kafka-tls", false, "speak TLS with the brokers")
	f.StringVar(&a.CA, "kafka-ca", "", "who signs the brokers' certificates, a PEM file (default: those that the machine trusts)")
	f.StringVar(&a.Cert, "kafka-cert", "", "certificate for the brokers, a PEM file")
	f.StringVar(&a.Key, "kafka-key", "", "key of that certificate, a PEM file")
	f.StringVar(&a.SASL, "kafka-sasl", "", "log in to the brokers: plain, scram-sha-256 or scram-sha-512")
	f.StringVar(&a.User, "kafka-user", "", "user of --kafka-sasl")
	f.StringVar(&a.Password, "kafka-password", "", "password of that user; better in "+EnvName("kafka-password"))
}

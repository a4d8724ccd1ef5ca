// Package app is `streamgauge up`: all parts in one process, started and stopped in order.
//
//	check      addresses, data folder, lock, ports, engine library: one line that says the remedy, or go on
//	listen     HTTP answers 503 with what it waits for from the first moment
//	start      ClickHouse child and NATS side by side; then documents, lanes, readers; then HTTP opens
//	stop       HTTP first, then writers, loops, readers, NATS, ClickHouse: the reverse of the start
//
// Only this package reads the configuration, and only it knows all parts; they know the contracts of
// schemas and each other not at all. What lies in the data folder:
//
//	nats/  clickhouse/  artifacts/       the data
//	credentials.json                     passwords of ClickHouse's users, mode 0600
//	webhook-key                          opens the secrets of webhooks, mode 0600
//	owner-token                          lets the folder's owner in, mode 0600
//	lanes                                which bus carries the lanes
//	lock  ports.json                     who runs here, and where it listens
package app

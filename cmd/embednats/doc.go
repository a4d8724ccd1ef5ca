// Package embednats runs a NATS server with JetStream inside the process, on files, synced before it
// acknowledges.
//
//	parts of the process --net.Pipe--> Server --> current nats-server --> DIR/nats
//	jobs --Login---------TCP-----------------------^
//
// JetStream switches itself off when a disk is full and stays so, and a stream that met a write error refuses
// everything from then on. Two things stand against that: Space refuses work below a reserve, so that it does
// not happen, and when it happened all the same, a watcher stops the server and starts a new one once there is
// room. The connections of the process outlive that: they ask Server for their pipe and reconnect for ever.
package embednats

// Package engine runs ClickHouse as a child process of our own binary.
//
//	parent (Supervisor) --stdin pipe--> child `streamgauge engine run` (Run) == libchdb == TCP, HTTP ports
//
// The engine is a shared library (libchdb) that the child loads without cgo and starts as `clickhouse local`
// whose query opens the ports and then never ends. The child owns nothing but files under the data folder:
// the parent may die by any signal, and then the child reads the end of its standard input, ends that query
// and exits; so no engine is ever left behind and the ports are free again within seconds.
//
// The session that opens the ports is `default`, without a password, on loopback: it may open ports and read
// system.numbers, with little memory, and nothing else. `app` has all rights, `reader` reads the database
// streamgauge; both have random passwords in credentials.json of the data folder.
//
// Failures: the engine dies or ends silently with status 0 (a bad config file, a taken port): the Supervisor
// sees the process end and starts it again with growing pauses. The engine is merely slow or stopped: it is
// left alone, for what it holds is worth more than an answer now. Our data is intact after kill -9 either way.
package engine

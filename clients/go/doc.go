// Package streamgauge publishes metrics and runs to a Streamgauge server from Go.
//
//	Publisher: Log, Params, ... -> Section -> frames -> Deliver -> Transport: HTTP, NATS, or one of your own
//
//	to, err := streamgauge.NewHTTP("http://127.0.0.1:5000", streamgauge.HTTPOptions{})
//	p, err := streamgauge.NewPublisher(to, streamgauge.Options{})
//	err = p.Start(ctx, streamgauge.Start{Experiment: "wine", Name: "first"})
//	err = p.Log(ctx, step, map[string]float64{"loss": 0.5})
//	err = p.Finish(ctx, streamgauge.Finished)
//	err = p.Close(ctx)
//
// A frame (docs/protocol.md) has a name, its writer and number, and is sent under it until the server has it on
// disk; the server drops repeats. What the publisher holds is in memory: who must survive the end of the process keeps
// the frames on disk and hands them to Deliver. At each failure:
//
//   - the server is away, full, or does not answer: the same frames are sent again, at longer and longer pauses, and the
//     publisher's queue fills; then its methods wait, as long as their context allows;
//   - the server will never take a frame: it is handed to Options.Refused and counted, and the rest goes on;
//   - the process ends without Close: what was not delivered yet is lost.
package streamgauge

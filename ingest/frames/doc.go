// Package frames takes native frames in over HTTP, for jobs that have no way to the bus.
//
//	body -> split at the lengths -> decode -> runs: whose? which lane? -> append, several at once -> answer
//
// A frame is passed on as it came: its writer and number stay, so that it is the same frame however often and by
// whatever way it arrives. The answer says how many frames from the first on are durable; their sender forgets
// these and sends the rest again. At each failure:
//
//   - a frame that is none ends the request: those before it are durable, the answer names its offset and what is wrong;
//   - the bus refuses or does not answer: 429 or 503 with Retry-After. Points of the same writer behind the frame in
//     doubt may be stored already; they come again and are noticed by their numbers. Run events are not: nothing
//     overtakes a frame that has some;
//   - the run of a frame is not known, and the frame does not start it: the frame is taken all the same, the lane's
//     consumer puts it into quarantine, and the answer warns. A sender that keeps its frames on disk must get rid of
//     them, and what is in quarantine is not lost;
//   - the connection ends: what was read whole is durable or not, and its sender, who has no answer, repeats it.
//
// A run that a frame starts is created before the frame is passed on. So its lanes are known, and a frame that is sent
// twice comes onto the same lane, where its repeat is noticed.
package frames

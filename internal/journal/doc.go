// Package journal keeps the record of decisions in files on a folder: every step for a
// week, and what was decided anew for a year.
//
// A service has a folder of its own, NAMESPACE/NAME, with two logs. steps has all that a
// replay needs, changes the decisions that are news, without what was read. Both are cut
// into files that are named after the time at which they begin, compressed when the next
// one begins, and removed from the oldest on when they are too many or too old.
//
// A folder belongs to one process.
//
// INV-1: a full, missing or read-only disk is an error of Append, never a panic and never a
// decision that is not made: what comes after it is recorded again once there is room.
// INV-2: when a file begins, those before take no more than the log's bytes, and none of
// them has ended longer ago than its age.
// INV-3: whatever lies in the folder, what can be read is read, and what cannot is said.
// INV-4: all files together take no more than the journal's bytes, but for the copy of one
// while it is compressed: the oldest of all go first, and where none can go the step is an
// error.
// INV-5: whoever puts a step into a Queue does not wait. Each one is written, or is counted
// as dropped or failed, and the next of its service that is written says how many those are.
// INV-6: a request over HTTP reads one service, and nothing outside the folder.
// INV-7: CatchUp comes to what whoever wrote the folder before remembered of a service after the
// last step that it has whole, as far as there is time. Of which it does not, it says how many they are.
//
// It deliberately decides nothing, and goes by the time of the steps alone.
package journal

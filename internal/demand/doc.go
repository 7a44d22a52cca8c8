// Package demand is what gateways report: the report as it is sent, and the table that
// adds the latest reports up and lets them age.
//
// INV-1: a report counts for TTL and no longer, and only the latest of its gateway.
// INV-2: what is said of a service is the sum over the gateways that report.
// A service is cold only while every gateway with anything to do for it says so.
// INV-3: a service is idle only for as long as nothing was held for it and every gateway
// could report: since the table began, at most, and not while no gateway reports, but for
// DeafTime at most: a table that hears nothing knows nothing.
// INV-4: a report that no gateway gives (a count below 0 or absurd, a name missing) is
// refused and changes nothing.
// INV-5: the shares that gateways have of a service are together 1, where there is anything to
// share, and the parts of a room that go with them no more than the room and one request each.
//
// It deliberately knows no network, no token and no clock: who may report, and when it
// is, are its caller's.
package demand

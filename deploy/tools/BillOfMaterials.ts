/**
 * The software bill of materials of one image, from what npm says of the lock file (CycloneDX).
 * Rule: packages for development are left out by what npm marks, as `npm sbom --omit=dev` also drops those that both
 * the program and a tool need. Of the Node packages, one for each machine, an image holds its own alone; the name is not the one of the folder
 * it was built in.
 */

interface Component {
  readonly "bom-ref": string
  readonly name: string
  readonly properties?: ReadonlyArray<{ readonly name: string; readonly value: string }>
}
interface Dependency {
  readonly ref: string
  readonly dependsOn: ReadonlyArray<string>
}
export interface Bom {
  readonly metadata: { readonly component: { readonly name: string } }
  readonly components: ReadonlyArray<Component>
  readonly dependencies: ReadonlyArray<Dependency>
}

/** `cpu` as npm names it. */
export const ofImage = <B extends Bom>(bom: B, cpu: string): B => {
  const isForeign = ({ name, properties }: Component) =>
    (name.startsWith("node-linux-") && name !== `node-linux-${cpu}`) ||
    (properties ?? []).some((property) => property.name === "cdx:npm:package:development")
  const foreign = new Set(bom.components.filter(isForeign).map((component) => component["bom-ref"]))
  return {
    ...bom,
    metadata: { ...bom.metadata, component: { ...bom.metadata.component, name: "kubestatic" } },
    components: bom.components.filter((component) => !foreign.has(component["bom-ref"])),
    dependencies: bom.dependencies
      .filter(({ ref }) => !foreign.has(ref))
      .map((dependency) => ({
        ...dependency,
        dependsOn: dependency.dependsOn.filter((ref) => !foreign.has(ref))
      }))
  }
}

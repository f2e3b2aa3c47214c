/**
 * The folder of step files. An app that ships its `steps/` beside its code writes `new URL('./steps/', import.meta.url)`;
 * these examples also run from a build folder, to which the compiler copies no SQL, so they look from the package up.
 */
export const stepsFolder = new URL('./examples/agent-os/steps/', import.meta.resolve('moult/package.json'))

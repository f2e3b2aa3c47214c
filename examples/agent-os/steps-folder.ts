/**
 * The folder of step files. An app that ships its `steps/` beside its code writes `new URL('./steps/', import.meta.url)`;
 * these examples also run from a build folder, to which the compiler copies no SQL, so there they look at their sources.
 */
export const stepsFolder = new URL('./steps/', import.meta.url.replace('/build/examples/', '/examples/'))

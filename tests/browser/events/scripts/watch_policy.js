// Runs before each page's own scripts: violations of the content security policy are errors.
document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
  console.error(`Content security policy: ${violatedDirective} ${blockedURI}`));

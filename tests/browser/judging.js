// Returns what is wrong with a page of attacks: each in its own article, with a fence after it.
({files, frame}) => {
  const problems = [];
  const TAGS = new Set(("a abbr b bdi blockquote br caption cite code dd del details dfn div dl dt em"
    + " figcaption figure h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp section"
    + " small span strike strong sub summary sup table tbody td tfoot th thead tr tt ul var wbr").split(" "));
  const ATTRIBUTES = new Set(("align alt aria-label class colspan dir height href id loading name open"
    + " rel reversed role rowspan src start tabindex title width").split(" "));
  const CLASSES = /^(anchor|contains-task-list|done|footnote-(backref|item|ref)|footnotes(-list)?|markdown-alert(-[a-z]+)?|task(-list-item)?|wide|[a-z][a-z0-9]{0,2})$/;
  const EVENTS = "click mouseover mouseenter pointerenter focus focusin blur error load toggle wheel scroll copy animationstart".split(" ");
  addEventListener("click", event => event.preventDefault(), true);

  const judge = (element, say) => {
    if (!TAGS.has(element.localName) || element.namespaceURI !== "http://www.w3.org/1999/xhtml") say(`is <${element.nodeName}>`);
    for (const {name, value} of element.attributes) {
      if (!ATTRIBUTES.has(name)) say(`has ${name}="${value}"`);
      if ((name === "id" || name === "name") && !value.startsWith("readme-")) say(`is called ${value}`);
    }
    for (const each of element.classList) if (!CLASSES.test(each)) say(`looks like ${each}`);
    if (element.hasAttribute("tabindex") && element.tabIndex !== 0) say("jumps the queue of the Tab key");
    if (!["static", "relative"].includes(getComputedStyle(element).position)) say("leaves the flow");
    if (element.localName === "a" && element.hasAttribute("href")) judgeLink(element, say);
    if (element.localName === "img" && !element.src.startsWith(files)) say(`shows ${element.src}`);
    for (const name of EVENTS) element.dispatchEvent(new Event(name));
  };
  const judgeLink = (link, say) => {
    const isHere = link.origin === location.origin;
    if (!["http:", "https:", "mailto:"].includes(link.protocol)) say(`leads to ${link.href}`);
    if (isHere && !link.href.startsWith(files) && !link.getAttribute("href").startsWith("#readme-")) say(`leads to ${link.href}`);
    if (link.username || link.password) say(`hides its host: ${link.href}`);
    if (link.rel !== "nofollow noopener ugc" || link.target) say(`vouches for ${link.href}`);
  };

  for (const box of document.querySelectorAll("article[data-attack]")) {
    const say = what => problems.push(`${box.dataset.attack} ${what}: ${box.innerHTML.slice(0, 300)}`);
    for (const details of box.querySelectorAll("details")) details.open = true;
    for (const element of box.querySelectorAll("*")) judge(element, say);
    if (/[\u202a-\u202e\u2066-\u2069]/.test(box.innerHTML)) say("turns lines round");
    const fence = box.nextElementSibling;
    if (!fence || fence.className !== "fence") { say("has pulled down the fence"); continue; }
    fence.scrollIntoView({block: "center"});
    const {left, right, top, bottom} = fence.getBoundingClientRect();
    for (const x of [left + 2, (left + right) / 2, right - 2])
      for (const y of [top + 1, bottom - 1])
        if (document.elementFromPoint(x, y) !== fence) say("covers what is below it");
  }
  const now = {
    children: document.body.children.length, forms: document.forms.length, title: document.title,
    headings: document.querySelectorAll("h1").length, mains: document.querySelectorAll("main").length,
    bases: document.querySelectorAll("base, meta[http-equiv], link:not([rel~=stylesheet]):not([rel=icon]):not([rel=search])").length,
  };
  for (const [name, value] of Object.entries(frame)) if (now[name] !== value) problems.push(`the page's ${name}: ${now[name]}, not ${value}`);
  if (document.getElementById("content") !== document.querySelector("body > main")) problems.push("another element is called content");
  if (document.activeElement !== document.body) problems.push(`the focus was taken by ${document.activeElement.outerHTML.slice(0, 200)}`);
  for (const name of ["cookie", "forms", "body", "head", "title", "getElementById"])
    if (!(name in Document.prototype) || document[name] instanceof HTMLCollection && name !== "forms") problems.push(`document.${name} is another`);
  const {scrollWidth, clientWidth} = document.documentElement;
  if (scrollWidth > clientWidth) problems.push(`the page is ${scrollWidth} wide in a window of ${clientWidth}`);
  return problems;
}

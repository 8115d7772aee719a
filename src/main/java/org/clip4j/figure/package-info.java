/**
 * Figures as SVG inside HTML pages: lines, bars and scattered points, in the light or dark colours
 * that the reader has set, without script and without anything from outside the page. {@link
 * org.clip4j.figure.LineFigure}, {@link org.clip4j.figure.BarFigure} and {@link
 * org.clip4j.figure.ScatterFigure} draw, {@link org.clip4j.figure.Svg#styles} is the style sheet
 * that a page needs, and {@link org.clip4j.figure.Markup} puts pages together. The package depends
 * on nothing else.
 */
@NullMarked
package org.clip4j.figure;

import org.jspecify.annotations.NullMarked;

(* Generated from gar_verify/formulas.py by `python -m proofs --rocq`: not to be edited.
   The same functions of moments with every operation rounded: `rnd` rounds a number, and is any
   function. *)
From Coq Require Import Reals.
From GAR Require Import Formulas.
Open Scope R_scope.

Section Rounded.
Variable rnd : R -> R.

Definition ratio (numerator : R) (denominator : R) : R :=
  (rnd (numerator / (rnd (denominator + (rnd (1 * (if Req_EM_T denominator 0 then 1 else 0))))))).

Definition square (d : R) : R :=
  (rnd (d * d)).

Definition error_variance (m : Moments) : R :=
  (rnd ((Moments_var_r m) + (rnd ((square (Moments_slope m)) * (Moments_var_y m))))).

Definition without_self_pairs (variance : R) (self_pairs : R) : R :=
  (rnd (variance / (rnd (1 - self_pairs)))).

Definition prediction_variance (m : Moments) : R :=
  (rnd ((Moments_var_r m) + (rnd ((square (rnd (1 + (Moments_slope m)))) * (Moments_var_y m))))).

Definition scaling_factor (m : Moments) : R :=
  (rnd (1 + (Moments_slope m))).

Definition scaled_difference (m : Moments) (c : R) : R :=
  (rnd ((Moments_var_r m) + (rnd ((square (rnd ((scaling_factor m) - c))) * (Moments_var_y m))))).

Definition one_minus_pearson (m : Moments) : R :=
  let s_y := (rnd (sqrt (Moments_var_y m))) in
  let s_f := (rnd (sqrt (prediction_variance m))) in
  let g := (rnd ((rnd (1 + (Moments_slope m))) * s_y)) in
  let aligned := (ratio (Moments_var_r m) (rnd (s_f * (rnd (s_f + (Rabs g)))))) in
  let flipped := (ratio (rnd ((Rabs g) - g)) s_f) in
  let one_sided := (rnd ((rnd ((rnd (1 * (if Req_EM_T s_f 0 then 1 else 0))) - (rnd (1 * (if Req_EM_T s_y 0 then 1 else 0))))) / 2)) in
  (rnd ((rnd (aligned + flipped)) + one_sided)).

Definition error_variance_gradient (m : Moments) : Gradient :=
  (Build_Gradient 0 2 (rnd (2 * (Moments_slope m)))).

Definition one_minus_pearson_gradient (m : Moments) : Gradient :=
  let var_f := (prediction_variance m) in
  let s_f := (rnd (sqrt var_f)) in
  let s_y := (rnd (sqrt (Moments_var_y m))) in
  let rho := (ratio (rnd ((rnd (1 + (Moments_slope m))) * s_y)) s_f) in
  (Build_Gradient 0 (ratio rho var_f) (- (ratio (ratio (Moments_var_r m) var_f) (rnd (s_f * s_y))))).

End Rounded.

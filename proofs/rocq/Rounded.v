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
  (rnd ((Moments_var_r m) + (rnd ((square (Moments_scale m)) * (Moments_var_y m))))).

Definition scaled_difference (m : Moments) (c : R) : R :=
  (rnd ((Moments_var_r m) + (rnd ((square (rnd ((Moments_scale m) - c))) * (Moments_var_y m))))).

Definition one_minus_pearson (m : Moments) : R :=
  let s_y := (rnd (sqrt (Moments_var_y m))) in
  let s_f := (rnd (sqrt (prediction_variance m))) in
  let g := (rnd ((Moments_scale m) * s_y)) in
  let aligned := (ratio (Moments_var_r m) (rnd (s_f * (rnd (s_f + (Rabs g)))))) in
  let flipped := (ratio (rnd ((Rabs g) - g)) s_f) in
  let one_sided := (rnd ((rnd ((rnd (2 * (if Req_EM_T s_f 0 then 1 else 0))) - (rnd (2 * (if Req_EM_T s_y 0 then 1 else 0))))) / 4)) in
  (rnd ((rnd (aligned + flipped)) + one_sided)).

Definition concordance_scale (m : Moments) : R :=
  (rnd ((rnd ((prediction_variance m) + (Moments_var_y m))) + (square (Moments_mean_d m)))).

Definition one_minus_concordance (m : Moments) : R :=
  (ratio (rnd ((error_variance m) + (square (Moments_mean_d m)))) (concordance_scale m)).

Definition error_variance_gradient (m : Moments) : Gradient :=
  (Build_Gradient 0 2 (rnd (2 * (Moments_slope m)))).

Definition one_minus_pearson_gradient (m : Moments) : Gradient :=
  let var_f := (prediction_variance m) in
  let s_f := (rnd (sqrt var_f)) in
  let s_y := (rnd (sqrt (Moments_var_y m))) in
  let rho := (ratio (rnd ((Moments_scale m) * s_y)) s_f) in
  (Build_Gradient 0 (ratio rho var_f) (- (ratio (ratio (Moments_var_r m) var_f) (rnd (s_f * s_y))))).

Definition one_minus_concordance_gradient (m : Moments) : Gradient :=
  let size := (concordance_scale m) in
  let concordance := (ratio (rnd ((rnd (2 * (Moments_scale m))) * (Moments_var_y m))) size) in
  let share := (rnd (1 / (rnd (1 + (Rabs (Moments_slope m)))))) in
  let near := (rnd ((Moments_slope m) - (rnd ((one_minus_concordance m) * (Moments_scale m))))) in
  let far := (rnd ((rnd (concordance * (Moments_scale m))) - 1)) in
  (Build_Gradient (ratio (rnd ((rnd (2 * concordance)) * (Moments_mean_d m))) size) (ratio (rnd (2 * concordance)) size) (ratio (rnd (2 * (rnd ((rnd (share * near)) + (rnd ((rnd (1 - share)) * far)))))) size)).

Definition error_share (scale : R) (slope : R) : R :=
  (ratio (Rabs scale) (rnd ((Rabs scale) + (Rabs slope)))).

Definition unexplained (v : R) (y : R) (slope : R) : R :=
  (rnd (v - (rnd (slope * y)))).

Definition residual (f : R) (d : R) (y : R) (scale : R) (slope : R) (share : R) : R :=
  (rnd ((rnd ((rnd (1 - share)) * (unexplained f y scale))) + (rnd (share * (unexplained d y slope))))).

Definition merge (a : Moments) (b : Moments) : Moments :=
  let weight := (rnd ((Moments_weight a) + (Moments_weight b))) in
  let p := (ratio (Moments_weight a) weight) in
  let q := (ratio (Moments_weight b) weight) in
  let gap_f := (rnd ((Moments_mean_f b) - (Moments_mean_f a))) in
  let gap_d := (rnd ((Moments_mean_d b) - (Moments_mean_d a))) in
  let gap_y := (rnd ((Moments_mean_y b) - (Moments_mean_y a))) in
  let var_y := (rnd ((rnd ((rnd (p * (Moments_var_y a))) + (rnd (q * (Moments_var_y b))))) + (rnd ((rnd (p * q)) * (square gap_y))))) in
  let cov_f := (rnd ((rnd ((rnd ((rnd (p * (Moments_scale a))) * (Moments_var_y a))) + (rnd ((rnd (q * (Moments_scale b))) * (Moments_var_y b))))) + (rnd ((rnd (p * q)) * (rnd (gap_f * gap_y)))))) in
  let cov_d := (rnd ((rnd ((rnd ((rnd (p * (Moments_slope a))) * (Moments_var_y a))) + (rnd ((rnd (q * (Moments_slope b))) * (Moments_var_y b))))) + (rnd ((rnd (p * q)) * (rnd (gap_d * gap_y)))))) in
  let scale := (ratio cov_f var_y) in
  let slope := (ratio cov_d var_y) in
  let share := (error_share scale slope) in
  (Build_Moments weight (rnd ((Moments_mean_f a) + (rnd (q * gap_f)))) (rnd ((Moments_mean_d a) + (rnd (q * gap_d)))) (rnd ((Moments_mean_y a) + (rnd (q * gap_y)))) var_y scale slope (rnd ((rnd ((rnd (p * (rnd ((Moments_var_r a) + (rnd ((square (residual (Moments_scale a) (Moments_slope a) 1 scale slope share)) * (Moments_var_y a))))))) + (rnd (q * (rnd ((Moments_var_r b) + (rnd ((square (residual (Moments_scale b) (Moments_slope b) 1 scale slope share)) * (Moments_var_y b))))))))) + (rnd ((rnd (p * q)) * (square (residual gap_f gap_d gap_y scale slope share)))))) (rnd ((rnd (p * (Moments_conventional a))) + (rnd (q * (Moments_conventional b)))))).

End Rounded.

(* Generated from gar_verify/formulas.py by `python -m proofs --rocq`: not to be edited.
   Columns are functions of a sample's place; the guards against 0 / 0 are those of the source. *)
From Coq Require Import Reals.
Open Scope R_scope.

Definition sign (x : R) : R :=
  if Rlt_dec 0 x then 1 else if Rlt_dec x 0 then -1 else 0.
Definition expm1 (x : R) : R := exp x - 1.
Definition log1p (x : R) : R := ln (1 + x).

Record Moments := { Moments_weight : R; Moments_mean_f : R; Moments_mean_d : R; Moments_mean_y : R; Moments_var_y : R; Moments_scale : R; Moments_slope : R; Moments_var_r : R; Moments_conventional : R }.

Record Shifts := { Shifts_f : R; Shifts_y : R; Shifts_d : R }.

Record Decomposition := { Decomposition_mean_f : R; Decomposition_mean_d : R; Decomposition_mean_y : R; Decomposition_var_y : R; Decomposition_scale : R; Decomposition_slope : R; Decomposition_residual : nat -> R; Decomposition_label : nat -> R }.

Record Gradient := { Gradient_conventional : R; Gradient_residual : R; Gradient_label : R }.

Definition UNSHIFTED : Shifts :=
  (Build_Shifts 0 0 0).

Definition ratio (numerator : R) (denominator : R) : R :=
  (numerator / (denominator + (1 * (if Req_EM_T denominator 0 then 1 else 0)))).

Definition lost (f : R) (y : R) (d : R) : R :=
  let minus_y := (d - f) in
  ((f - (d - minus_y)) - (y + minus_y)).

Definition shifted (f : R) (y : R) (s : Shifts) : R * R * R :=
  let d := (f - y) in
  ((f - (Shifts_f s)), ((d - (Shifts_d s)) + (lost f y d)), (y - (Shifts_y s))).

Definition error_share (scale : R) (slope : R) : R :=
  (ratio (Rabs scale) ((Rabs scale) + (Rabs slope))).

Definition unexplained (v : R) (y : R) (slope : R) : R :=
  (v - (slope * y)).

Definition residual (f : R) (d : R) (y : R) (scale : R) (slope : R) (share : R) : R :=
  (((1 - share) * (unexplained f y scale)) + (share * (unexplained d y slope))).

Definition decompose (f : nat -> R) (y : nat -> R) (mean : (nat -> R) -> R) (s : Shifts) : Decomposition :=
  let '(f, d, y) := ((fun i => fst (fst (shifted (f i) (y i) s))), (fun i => snd (fst (shifted (f i) (y i) s))), (fun i => snd (shifted (f i) (y i) s))) in
  let mean_f := (mean f) in
  let mean_d := (mean d) in
  let mean_y := (mean y) in
  let f := (fun i => ((f i) - mean_f)) in
  let d := (fun i => ((d i) - mean_d)) in
  let y := (fun i => ((y i) - mean_y)) in
  let var_y := (mean (fun i => ((y i) * (y i)))) in
  let scale := (ratio (mean (fun i => ((f i) * (y i)))) var_y) in
  let slope := (ratio (mean (fun i => ((d i) * (y i)))) var_y) in
  let r := (fun i => (residual (f i) (d i) (y i) scale slope (error_share scale slope))) in
  (Build_Decomposition (mean_f + (Shifts_f s)) (mean_d + (Shifts_d s)) (mean_y + (Shifts_y s)) var_y scale slope r y).

Definition moments (parts : Decomposition) (conventional : nat -> R) (weight : R) (mean : (nat -> R) -> R) : Moments :=
  (Build_Moments weight (Decomposition_mean_f parts) (Decomposition_mean_d parts) (Decomposition_mean_y parts) (Decomposition_var_y parts) (Decomposition_scale parts) (Decomposition_slope parts) (mean (fun i => (((Decomposition_residual parts) i) * ((Decomposition_residual parts) i)))) (mean conventional)).

Definition residual_and_label (f : nat -> R) (y : nat -> R) (s : Shifts) (whole : Moments) : (nat -> R) * (nat -> R) :=
  let '(f, d, y) := ((fun i => fst (fst (shifted (f i) (y i) s))), (fun i => snd (fst (shifted (f i) (y i) s))), (fun i => snd (shifted (f i) (y i) s))) in
  let f := (fun i => ((f i) - (Moments_mean_f whole))) in
  let d := (fun i => ((d i) - (Moments_mean_d whole))) in
  let y := (fun i => ((y i) - (Moments_mean_y whole))) in
  let share := (error_share (Moments_scale whole) (Moments_slope whole)) in
  ((fun i => (residual (f i) (d i) (y i) (Moments_scale whole) (Moments_slope whole) share)), y).

Definition absolute (d : R) : R :=
  (Rabs d).

Definition absolute_slope (d : R) : R :=
  (sign d).

Definition square (d : R) : R :=
  (d * d).

Definition merge (a : Moments) (b : Moments) : Moments :=
  let weight := ((Moments_weight a) + (Moments_weight b)) in
  let p := (ratio (Moments_weight a) weight) in
  let q := (ratio (Moments_weight b) weight) in
  let gap_f := ((Moments_mean_f b) - (Moments_mean_f a)) in
  let gap_d := ((Moments_mean_d b) - (Moments_mean_d a)) in
  let gap_y := ((Moments_mean_y b) - (Moments_mean_y a)) in
  let var_y := (((p * (Moments_var_y a)) + (q * (Moments_var_y b))) + ((p * q) * (square gap_y))) in
  let cov_f := ((((p * (Moments_scale a)) * (Moments_var_y a)) + ((q * (Moments_scale b)) * (Moments_var_y b))) + ((p * q) * (gap_f * gap_y))) in
  let cov_d := ((((p * (Moments_slope a)) * (Moments_var_y a)) + ((q * (Moments_slope b)) * (Moments_var_y b))) + ((p * q) * (gap_d * gap_y))) in
  let scale := (ratio cov_f var_y) in
  let slope := (ratio cov_d var_y) in
  let share := (error_share scale slope) in
  (Build_Moments weight ((Moments_mean_f a) + (q * gap_f)) ((Moments_mean_d a) + (q * gap_d)) ((Moments_mean_y a) + (q * gap_y)) var_y scale slope (((p * ((Moments_var_r a) + ((square (residual (Moments_scale a) (Moments_slope a) 1 scale slope share)) * (Moments_var_y a)))) + (q * ((Moments_var_r b) + ((square (residual (Moments_scale b) (Moments_slope b) 1 scale slope share)) * (Moments_var_y b))))) + ((p * q) * (square (residual gap_f gap_d gap_y scale slope share)))) ((p * (Moments_conventional a)) + (q * (Moments_conventional b)))).

Definition square_slope (d : R) : R :=
  (2 * d).

Definition huber (d : R) (clipped : R) : R :=
  (clipped * (d - (clipped / 2))).

Definition error_variance (m : Moments) : R :=
  ((Moments_var_r m) + ((square (Moments_slope m)) * (Moments_var_y m))).

Definition without_self_pairs (variance : R) (self_pairs : R) : R :=
  (variance / (1 - self_pairs)).

Definition prediction_variance (m : Moments) : R :=
  ((Moments_var_r m) + ((square (Moments_scale m)) * (Moments_var_y m))).

Definition scaled_difference (m : Moments) (c : R) : R :=
  ((Moments_var_r m) + ((square ((Moments_scale m) - c)) * (Moments_var_y m))).

Definition one_minus_pearson (m : Moments) : R :=
  let s_y := (sqrt (Moments_var_y m)) in
  let s_f := (sqrt (prediction_variance m)) in
  let g := ((Moments_scale m) * s_y) in
  let aligned := (ratio (Moments_var_r m) (s_f * (s_f + (Rabs g)))) in
  let flipped := (ratio ((Rabs g) - g) s_f) in
  let one_sided := (((2 * (if Req_EM_T s_f 0 then 1 else 0)) - (2 * (if Req_EM_T s_y 0 then 1 else 0))) / 4) in
  ((aligned + flipped) + one_sided).

Definition sub_losses (m : Moments) (resolved : Moments) : R * R * R :=
  ((Moments_conventional m), (error_variance m), (one_minus_pearson resolved)).

Definition concordance_scale (m : Moments) : R :=
  (((prediction_variance m) + (Moments_var_y m)) + (square (Moments_mean_d m))).

Definition one_minus_concordance (m : Moments) : R :=
  (ratio ((error_variance m) + (square (Moments_mean_d m))) (concordance_scale m)).

Definition released_sub_losses (f : nat -> R) (y : nat -> R) (mean : (nat -> R) -> R) (scale_f : R) (scale_y : R) (eps : R) : R * R * R :=
  let d := (fun i => ((f i) - (y i))) in
  let z := (fun i => ((((f i) - (mean f)) / scale_f) - (((y i) - (mean y)) / scale_y))) in
  (((mean (fun i => (absolute (d i)))) + eps), (((mean (fun i => (square ((d i) - (mean d))))) / 2) + eps), (((mean (fun i => (square (z i)))) / 2) + eps)).

Definition power (log_loss : R) (alpha : R) (shift : R) : R :=
  (exp ((log_loss - shift) / alpha)).

Definition power_less_one (log_loss : R) (alpha : R) (shift : R) : R :=
  (expm1 ((log_loss - shift) / alpha)).

Definition log_power_mean (mean_less_one : R) (alpha : R) (shift : R) : R :=
  (shift + (alpha * (log1p mean_less_one))).

Definition kl_dro (log_losses : nat -> R) (alpha : R) (shift : R) (mean : (nat -> R) -> R) : R :=
  (log_power_mean (mean (fun i => (power_less_one (log_losses i) alpha shift))) alpha shift).

Definition kl_dro_tilt (log_losses : nat -> R) (alpha : R) (shift : R) (mean : (nat -> R) -> R) : nat -> R :=
  let powers := (fun i => (power (log_losses i) alpha shift)) in
  (fun i => ((powers i) / (mean powers))).

Definition sample_gradient (g : Gradient) (slope : R) (r : R) (label : R) : R :=
  ((((Gradient_residual g) * r) + ((Gradient_label g) * label)) + ((Gradient_conventional g) * slope)).

Definition error_variance_gradient (m : Moments) : Gradient :=
  (Build_Gradient 0 2 (2 * (Moments_slope m))).

Definition one_minus_pearson_gradient (m : Moments) : Gradient :=
  let var_f := (prediction_variance m) in
  let s_f := (sqrt var_f) in
  let s_y := (sqrt (Moments_var_y m)) in
  let rho := (ratio ((Moments_scale m) * s_y) s_f) in
  (Build_Gradient 0 (ratio rho var_f) (- (ratio (ratio (Moments_var_r m) var_f) (s_f * s_y)))).

Definition one_minus_concordance_gradient (m : Moments) : Gradient :=
  let size := (concordance_scale m) in
  let concordance := (ratio ((2 * (Moments_scale m)) * (Moments_var_y m)) size) in
  let share := (1 / (1 + (Rabs (Moments_slope m)))) in
  let near := ((Moments_slope m) - ((one_minus_concordance m) * (Moments_scale m))) in
  let far := ((concordance * (Moments_scale m)) - 1) in
  (Build_Gradient (ratio ((2 * concordance) * (Moments_mean_d m)) size) (ratio (2 * concordance) size) (ratio (2 * ((share * near) + ((1 - share) * far))) size)).

Definition sub_losses_gradient (m : Moments) (resolved : Moments) (weights : R * R * R) : Gradient :=
  let '(by_conventional, by_variance, by_pearson) := weights in
  let variance := (error_variance_gradient m) in
  let pearson := (one_minus_pearson_gradient resolved) in
  (Build_Gradient by_conventional ((by_variance * (Gradient_residual variance)) + (by_pearson * (Gradient_residual pearson))) ((by_variance * (Gradient_label variance)) + (by_pearson * (Gradient_label pearson)))).

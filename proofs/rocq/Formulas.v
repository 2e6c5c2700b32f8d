(* Generated from gar_verify/formulas.py by `python -m proofs --rocq`: not to be edited.
   Columns are functions of a sample's place; the guards against 0 / 0 are those of the source. *)
From Coq Require Import Reals.
Open Scope R_scope.

Definition sign (x : R) : R :=
  if Rlt_dec 0 x then 1 else if Rlt_dec x 0 then -1 else 0.

Record Moments := { Moments_weight : R; Moments_mean_d : R; Moments_mean_y : R; Moments_var_y : R; Moments_slope : R; Moments_var_r : R; Moments_conventional : R }.

Record Decomposition := { Decomposition_mean_d : R; Decomposition_mean_y : R; Decomposition_var_y : R; Decomposition_slope : R; Decomposition_residual : nat -> R; Decomposition_label : nat -> R }.

Record Gradient := { Gradient_conventional : R; Gradient_residual : R; Gradient_label : R }.

Definition ratio (numerator : R) (denominator : R) : R :=
  (numerator / (denominator + (1 * (if Req_EM_T denominator 0 then 1 else 0)))).

Definition centred (d : R) (y : R) (mean_d : R) (mean_y : R) : R * R :=
  ((d - mean_d), (y - mean_y)).

Definition residual (error : R) (slope : R) (label : R) : R :=
  (error - (slope * label)).

Definition split_errors (f : nat -> R) (y : nat -> R) (mean : (nat -> R) -> R) : Decomposition :=
  let d := (fun i => ((f i) - (y i))) in
  let mean_y := (mean y) in
  let mean_d := (mean d) in
  let '(error, label) := ((fun i => fst (centred (d i) (y i) mean_d mean_y)), (fun i => snd (centred (d i) (y i) mean_d mean_y))) in
  let var_y := (mean (fun i => ((label i) * (label i)))) in
  let slope := (ratio (mean (fun i => ((error i) * (label i)))) var_y) in
  (Build_Decomposition mean_d mean_y var_y slope (fun i => (residual (error i) slope (label i))) label).

Definition decompose (f : nat -> R) (y : nat -> R) (mean : (nat -> R) -> R) (shift_f : R) (shift_y : R) : Decomposition :=
  let parts := (split_errors (fun i => ((f i) - shift_f)) (fun i => ((y i) - shift_y)) mean) in
  (Build_Decomposition ((Decomposition_mean_d parts) + (shift_f - shift_y)) ((Decomposition_mean_y parts) + shift_y) (Decomposition_var_y parts) (Decomposition_slope parts) (Decomposition_residual parts) (Decomposition_label parts)).

Definition moments (parts : Decomposition) (conventional : nat -> R) (weight : R) (mean : (nat -> R) -> R) : Moments :=
  (Build_Moments weight (Decomposition_mean_d parts) (Decomposition_mean_y parts) (Decomposition_var_y parts) (Decomposition_slope parts) (mean (fun i => (((Decomposition_residual parts) i) * ((Decomposition_residual parts) i)))) (mean conventional)).

Definition residual_and_label (f : nat -> R) (y : nat -> R) (whole : Moments) : (nat -> R) * (nat -> R) :=
  let '(error, label) := ((fun i => fst (centred ((f i) - (y i)) (y i) (Moments_mean_d whole) (Moments_mean_y whole))), (fun i => snd (centred ((f i) - (y i)) (y i) (Moments_mean_d whole) (Moments_mean_y whole)))) in
  ((fun i => (residual (error i) (Moments_slope whole) (label i))), label).

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
  let gap_d := ((Moments_mean_d b) - (Moments_mean_d a)) in
  let gap_y := ((Moments_mean_y b) - (Moments_mean_y a)) in
  let var_y := (((p * (Moments_var_y a)) + (q * (Moments_var_y b))) + ((p * q) * (square gap_y))) in
  let cov := ((((p * (Moments_slope a)) * (Moments_var_y a)) + ((q * (Moments_slope b)) * (Moments_var_y b))) + ((p * q) * (gap_d * gap_y))) in
  let slope := (ratio cov var_y) in
  (Build_Moments weight ((Moments_mean_d a) + (q * gap_d)) ((Moments_mean_y a) + (q * gap_y)) var_y slope (((p * ((Moments_var_r a) + ((square ((Moments_slope a) - slope)) * (Moments_var_y a)))) + (q * ((Moments_var_r b) + ((square ((Moments_slope b) - slope)) * (Moments_var_y b))))) + ((p * q) * (square (gap_d - (slope * gap_y))))) ((p * (Moments_conventional a)) + (q * (Moments_conventional b)))).

Definition square_slope (d : R) : R :=
  (2 * d).

Definition huber (d : R) (clipped : R) : R :=
  (clipped * (d - (clipped / 2))).

Definition error_variance (m : Moments) : R :=
  ((Moments_var_r m) + ((square (Moments_slope m)) * (Moments_var_y m))).

Definition without_self_pairs (variance : R) (self_pairs : R) : R :=
  (variance / (1 - self_pairs)).

Definition prediction_variance (m : Moments) : R :=
  ((Moments_var_r m) + ((square (1 + (Moments_slope m))) * (Moments_var_y m))).

Definition scaling_factor (m : Moments) : R :=
  (1 + (Moments_slope m)).

Definition scaled_difference (m : Moments) (c : R) : R :=
  ((Moments_var_r m) + ((square ((scaling_factor m) - c)) * (Moments_var_y m))).

Definition one_minus_pearson (m : Moments) : R :=
  let s_y := (sqrt (Moments_var_y m)) in
  let s_f := (sqrt (prediction_variance m)) in
  let g := ((1 + (Moments_slope m)) * s_y) in
  let aligned := (ratio (Moments_var_r m) (s_f * (s_f + (Rabs g)))) in
  let flipped := (ratio ((Rabs g) - g) s_f) in
  let one_sided := (((1 * (if Req_EM_T s_f 0 then 1 else 0)) - (1 * (if Req_EM_T s_y 0 then 1 else 0))) / 2) in
  ((aligned + flipped) + one_sided).

Definition sub_losses (m : Moments) : R * R * R :=
  ((Moments_conventional m), (error_variance m), (one_minus_pearson m)).

Definition released_sub_losses (f : nat -> R) (y : nat -> R) (mean : (nat -> R) -> R) (scale_f : R) (scale_y : R) (eps : R) : R * R * R :=
  let d := (fun i => ((f i) - (y i))) in
  let z := (fun i => ((((f i) - (mean f)) / scale_f) - (((y i) - (mean y)) / scale_y))) in
  (((mean (fun i => (absolute (d i)))) + eps), (((mean (fun i => (square ((d i) - (mean d))))) / 2) + eps), (((mean (fun i => (square (z i)))) / 2) + eps)).

Definition tempered (log_loss : R) (alpha : R) (shift : R) : R :=
  (exp ((log_loss - shift) / alpha)).

Definition log_power_mean (mean_tempered : R) (alpha : R) (shift : R) : R :=
  (shift + (alpha * (ln mean_tempered))).

Definition kl_dro (log_losses : nat -> R) (alpha : R) (shift : R) (mean : (nat -> R) -> R) : R :=
  (log_power_mean (mean (fun i => (tempered (log_losses i) alpha shift))) alpha shift).

Definition kl_dro_tilt (log_losses : nat -> R) (alpha : R) (shift : R) (mean : (nat -> R) -> R) : nat -> R :=
  let powers := (fun i => (tempered (log_losses i) alpha shift)) in
  (fun i => ((powers i) / (mean powers))).

Definition sample_gradient (g : Gradient) (slope : R) (r : R) (label : R) : R :=
  ((((Gradient_residual g) * r) + ((Gradient_label g) * label)) + ((Gradient_conventional g) * slope)).

Definition error_variance_gradient (m : Moments) : Gradient :=
  (Build_Gradient 0 2 (2 * (Moments_slope m))).

Definition one_minus_pearson_gradient (m : Moments) : Gradient :=
  let var_f := (prediction_variance m) in
  let s_f := (sqrt var_f) in
  let s_y := (sqrt (Moments_var_y m)) in
  let rho := (ratio ((1 + (Moments_slope m)) * s_y) s_f) in
  (Build_Gradient 0 (ratio rho var_f) (- (ratio (ratio (Moments_var_r m) var_f) (s_f * s_y)))).

Definition sub_losses_gradient (m : Moments) (weights : R * R * R) : Gradient :=
  let '(by_conventional, by_variance, by_pearson) := weights in
  let variance := (error_variance_gradient m) in
  let pearson := (one_minus_pearson_gradient m) in
  (Build_Gradient by_conventional ((by_variance * (Gradient_residual variance)) + (by_pearson * (Gradient_residual pearson))) ((by_variance * (Gradient_label variance)) + (by_pearson * (Gradient_label pearson)))).

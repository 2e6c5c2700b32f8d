(* The aggregation for any number M >= 1 of positive sub-losses: maximum, uniqueness of the weights,
   monotonicity in alpha, the value at 1 and both limits, the gradient, and that the code is this. *)
From Coq Require Import Reals Lra Lia.
From Coquelicot Require Import Coquelicot.
From GAR Require Import Sums Formulas.
Open Scope R_scope.

Lemma ln_le_sub1 x : 0 < x -> ln x <= x - 1.
Proof. intros H. destruct (Req_dec (ln x) 0) as [E|E].
  - rewrite E. assert (x = 1) by (rewrite <- (exp_ln x H), E; apply exp_0). lra.
  - pose proof (exp_ineq1 (ln x) E) as I. rewrite exp_ln in I by auto. lra. Qed.
Lemma ln_lt_sub1 x : 0 < x -> x <> 1 -> ln x < x - 1.
Proof. intros H N. assert (E : ln x <> 0).
  { intros E. apply N. rewrite <- (exp_ln x H), E. apply exp_0. }
  pose proof (exp_ineq1 (ln x) E) as I. rewrite exp_ln in I by auto. lra. Qed.

(* The average over the sub-losses; powers less one, averaged, are the average of powers less one. *)
Definition mean M (a : nat -> R) := bsum M a / INR M.
Lemma code_powers M a shift l : (0 < M)%nat -> kl_dro l a shift (mean M)
  = shift + a * ln (mean M (fun k => power (l k) a shift)).
Proof. intros HM. pose proof (lt_0_INR M HM) as P.
  unfold kl_dro, log_power_mean, power_less_one, log1p, expm1, power, mean. do 3 f_equal.
  rewrite bsum_minus, bsum_const. field. lra. Qed.

Section KL.
Variable M : nat.
Hypothesis M_pos : (0 < M)%nat.
Let MR : 0 < INR M. Proof. apply lt_0_INR; auto. Qed.
Variable L : nat -> R.
Hypothesis L_pos : forall k, (k < M)%nat -> 0 < L k.

Definition simplex (p : nat -> R) := (forall k, (k < M)%nat -> 0 <= p k) /\ bsum M p = 1.
Definition KL (p q : nat -> R) := bsum M (fun k => p k * ln (p k / q k)).   (* 0 ln 0 = 0 *)
Definition unif (k : nat) := / INR M.
Definition obj a p := bsum M (fun k => p k * ln (L k)) - a * KL p unif.
Definition pw a k := exp (ln (L k) / a).             (* L_k^(1/alpha) *)
Definition Z a := bsum M (pw a).
Definition LKL a := a * ln (Z a / INR M).
Definition pstar a k := pw a k / Z a.

Lemma Z_pos a : 0 < Z a.
Proof. apply bsum_pos; auto. intros; apply exp_pos. Qed.
Lemma pstar_simplex a : simplex (pstar a).
Proof. pose proof (Z_pos a). split.
  - intros. apply Rlt_le, Rdiv_lt_0_compat; [apply exp_pos|auto].
  - unfold pstar, Rdiv. rewrite bsum_scalr. fold (Z a). field. lra. Qed.
Lemma unif_simplex : simplex unif.
Proof. split. intros; apply Rlt_le, Rinv_0_lt_compat; auto. unfold unif. rewrite bsum_const. field; lra. Qed.

Lemma term p q : 0 <= p -> 0 < q -> p - q <= p * ln (p / q).
Proof. intros Hp Hq. destruct Hp as [Hp|<-]; [|lra].
  assert (I : ln (q / p) <= q / p - 1) by (apply ln_le_sub1, Rdiv_lt_0_compat; auto).
  replace (p / q) with (/ (q / p)) by (field; lra).
  rewrite ln_Rinv by (apply Rdiv_lt_0_compat; auto).
  apply Rmult_le_compat_l with (r := p) in I; [|lra].
  replace (p * (q / p - 1)) with (q - p) in I by (field; lra). lra. Qed.
Lemma term_eq p q : 0 <= p -> 0 < q -> p * ln (p / q) = p - q -> p = q.
Proof. intros Hp Hq E. destruct Hp as [Hp|<-]; [|lra].
  destruct (Req_dec (q / p) 1) as [K|K].
  - apply (f_equal (fun r => r * p)) in K. replace (q / p * p) with q in K by (field; lra). lra.
  - exfalso. assert (I : ln (q / p) < q / p - 1) by (apply ln_lt_sub1; auto; apply Rdiv_lt_0_compat; auto).
    replace (p / q) with (/ (q / p)) in E by (field; lra).
    rewrite ln_Rinv in E by (apply Rdiv_lt_0_compat; auto).
    apply Rmult_lt_compat_l with (r := p) in I; [|lra].
    replace (p * (q / p - 1)) with (q - p) in I by (field; lra). lra. Qed.

Lemma KL_ge0 p q : simplex p -> simplex q -> (forall k, (k < M)%nat -> 0 < q k) -> 0 <= KL p q.
Proof. intros [P0 P1] [Q0 Q1] Qp. unfold KL.
  replace 0 with (bsum M (fun k => p k - q k)) by (rewrite bsum_minus; lra).
  apply bsum_le. intros. apply term; auto. Qed.
Lemma KL_eq0 p q : simplex p -> simplex q -> (forall k, (k < M)%nat -> 0 < q k) -> KL p q = 0 ->
  forall k, (k < M)%nat -> p k = q k.
Proof. intros [P0 P1] [Q0 Q1] Qp E k Hk. unfold KL in E.
  apply term_eq; auto.
  assert (S0 : bsum M (fun k => p k * ln (p k / q k) - (p k - q k)) = 0)
    by (rewrite bsum_minus, bsum_minus; lra).
  pose proof (bsum_eq0 M (fun k => p k * ln (p k / q k) - (p k - q k))
     ltac:(intros; simpl; pose proof (term (p k0) (q k0) (P0 k0 H) (Qp k0 H)); lra) S0 k Hk) as T.
  simpl in T. lra. Qed.

Theorem gibbs a p : 0 < a -> simplex p -> LKL a - obj a p = a * KL p (pstar a).
Proof. intros Ha [P0 P1]. pose proof (Z_pos a) as HZ. unfold obj, KL, LKL.
  replace (a * ln (Z a / INR M)) with (bsum M (fun k => (a * ln (Z a / INR M)) * p k))
    by (rewrite bsum_scal, P1; ring).
  rewrite <- !bsum_scal, <- !bsum_minus. apply bsum_ext. intros k Hk.
  destruct (P0 k Hk) as [Hp|<-]; [|ring].
  unfold pstar, unif, pw.
  replace (p k / / INR M) with (p k * INR M) by (field; lra).
  pose proof (exp_pos (ln (L k) / a)).
  rewrite (ln_div (Z a)), (ln_div (p k)), ln_div, !ln_mult, ln_exp by (auto; apply Rdiv_lt_0_compat; auto).
  field. lra. Qed.

Theorem maximum a : 0 < a ->
  (forall p, simplex p -> obj a p <= LKL a) /\ simplex (pstar a) /\ obj a (pstar a) = LKL a
  /\ (forall p, simplex p -> obj a p = LKL a -> forall k, (k < M)%nat -> p k = pstar a k).
Proof. intros Ha.
  assert (Qp : forall k, (k < M)%nat -> 0 < pstar a k)
    by (intros; apply Rdiv_lt_0_compat; [apply exp_pos|apply Z_pos]).
  repeat split; try apply pstar_simplex.
  - intros p Hp. pose proof (gibbs a p Ha Hp). pose proof (KL_ge0 p _ Hp (pstar_simplex a) Qp).
    assert (0 <= a * KL p (pstar a)) by (apply Rmult_le_pos; lra). lra.
  - pose proof (gibbs a _ Ha (pstar_simplex a)) as G.
    assert (KL (pstar a) (pstar a) = 0).
    { unfold KL. rewrite (bsum_ext M _ (fun _ => 0)). rewrite bsum_const; ring.
      intros k Hk. pose proof (Qp k Hk). replace (pstar a k / pstar a k) with 1 by (field; lra).
      rewrite ln_1; ring. } rewrite H in G. lra.
  - intros p Hp E. pose proof (gibbs a p Ha Hp) as G. apply KL_eq0; auto. apply pstar_simplex.
    assert (a * KL p (pstar a) = 0) by lra. apply Rmult_integral in H. destruct H; lra. Qed.

Theorem monotone a b : 0 < a -> a <= b -> LKL b <= LKL a.
Proof. intros Ha Hab. destruct (maximum b ltac:(lra)) as [_ [S [E _]]].
  destruct (maximum a Ha) as [U _]. rewrite <- E. apply Rle_trans with (obj a (pstar b)); [|auto].
  unfold obj. assert (0 <= KL (pstar b) unif)
    by (apply KL_ge0; auto; [apply unif_simplex | intros; apply Rinv_0_lt_compat; auto]).
  assert (a * KL (pstar b) unif <= b * KL (pstar b) unif) by (apply Rmult_le_compat_r; auto). lra. Qed.

Theorem at_one : LKL 1 = ln (bsum M L / INR M).
Proof. unfold LKL, Z, pw. rewrite Rmult_1_l. do 2 f_equal. apply bsum_ext. intros.
  unfold Rdiv; rewrite Rinv_1, Rmult_1_r. apply exp_ln; auto. Qed.

Lemma KL_self0 : KL unif unif = 0.
Proof. unfold KL, unif. rewrite (bsum_ext M _ (fun _ => 0)). rewrite bsum_const; ring.
  intros. replace (/ INR M / / INR M) with 1 by (field; lra). rewrite ln_1; ring. Qed.

(* the bounds of both limits, for every alpha *)
Theorem above_mean a : 0 < a -> bsum M (fun k => ln (L k)) / INR M <= LKL a.
Proof. intros Ha. destruct (maximum a Ha) as [U _]. apply Rle_trans with (obj a unif); [|apply U, unif_simplex].
  unfold obj. rewrite KL_self0. unfold unif. rewrite bsum_scal. right. field. lra. Qed.
Theorem between_max a m : 0 < a -> (m < M)%nat -> (forall k, (k < M)%nat -> L k <= L m) ->
  ln (L m) - a * ln (INR M) <= LKL a <= ln (L m).
Proof. intros Ha Hm Hmax. pose proof (Z_pos a) as HZ. unfold LKL. rewrite ln_div by auto.
  assert (Lo : pw a m <= Z a).
  { unfold Z. clear -Hm. induction M; [lia|]. simpl.
    destruct (Nat.eq_dec m n) as [->|].
    - assert (0 <= bsum n (pw a)) by (apply bsum_ge0; intros; apply Rlt_le, exp_pos). lra.
    - assert (pw a m <= bsum n (pw a)) by (apply IHn; lia). pose proof (exp_pos (ln (L n) / a)). unfold pw in *. lra. }
  assert (Hi : Z a <= INR M * pw a m).
  { rewrite <- bsum_const. apply bsum_le. intros k Hk. unfold pw.
    assert (I : ln (L k) <= ln (L m)) by (destruct (Hmax k Hk) as [J|J]; [left; apply ln_increasing; auto|rewrite J; lra]).
    assert (J : ln (L k) / a <= ln (L m) / a) by (apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat; auto|auto]).
    destruct J as [J|J]; [left; apply exp_increasing; auto|rewrite J; lra]. }
  assert (P : a * ln (pw a m) = ln (L m)) by (unfold pw; rewrite ln_exp; field; lra).
  assert (E : forall u v, 0 < u -> u <= v -> ln u <= ln v)
    by (intros u v Hu [J|J]; [left; apply ln_increasing; auto|rewrite J; lra]).
  pose proof (exp_pos (ln (L m) / a)).
  pose proof (E _ _ H Lo) as E1. pose proof (E _ _ HZ Hi) as E2.
  fold (pw a m) in *. rewrite ln_mult in E2 by auto.
  apply Rmult_le_compat_l with (r := a) in E1; [|lra].
  apply Rmult_le_compat_l with (r := a) in E2; [|lra]. split; lra. Qed.

Lemma largest_exists : exists m, (m < M)%nat /\ forall k, (k < M)%nat -> L k <= L m.
Proof. clear L_pos MR. induction M as [|n IH]; [lia|].
  destruct n as [|n]. exists 0%nat. split; [lia|]. intros k Hk. replace k with 0%nat by lia. lra.
  destruct (IH ltac:(lia)) as (m & Hm & H).
  destruct (Rle_dec (L (S n)) (L m)) as [A|A].
  - exists m. split; [lia|]. intros k Hk. destruct (Nat.eq_dec k (S n)) as [->|]; auto. apply H; lia.
  - exists (S n). split; [lia|]. intros k Hk. destruct (Nat.eq_dec k (S n)) as [->|]; [lra|].
    pose proof (H k ltac:(lia)). lra. Qed.

Theorem limit_at_zero m : (m < M)%nat -> (forall k, (k < M)%nat -> L k <= L m) ->
  filterlim LKL (at_right 0) (locally (ln (L m))).
Proof. intros Hm Hmax. apply (filterlim_le_le (F := at_right 0) (fun a => ln (L m) - a * ln (INR M)) LKL (fun _ => ln (L m)) (ln (L m))).
  - exists (mkposreal 1 Rlt_0_1). intros a _ Ha. apply between_max; auto.
  - assert (C : continuous (fun a : R => minus (ln (L m)) (mult a (ln (INR M)))) 0).
    { apply (continuous_minus (fun _ : R => ln (L m)) (fun a : R => mult a (ln (INR M))) 0).
      apply continuous_const. apply (continuous_mult (fun a : R => a) (fun _ => ln (INR M)) 0).
      apply continuous_id. apply continuous_const. }
    unfold continuous in C.
    replace (minus (ln (L m)) (mult 0 (ln (INR M)))) with (ln (L m)) in C
      by (unfold minus, plus, opp, mult; simpl; ring).
    intros P HP. apply filter_le_within. exact (C P HP).
  - apply filterlim_const. Qed.

Lemma lim_bsum n (g : nat -> R -> R) (l : nat -> R) :
  (forall k, (k < n)%nat -> is_lim (g k) p_infty (l k)) ->
  is_lim (fun a => bsum n (fun k => g k a)) p_infty (bsum n l).
Proof. induction n; intros H; simpl. apply is_lim_const.
  apply is_lim_plus'; auto. Qed.

Lemma lim_tilt l : is_lim (fun a => l * exp (l * / a)) p_infty l.
Proof.
  assert (I : is_lim (fun a => / a) p_infty 0).
  { apply (is_lim_inv (fun a => a) p_infty p_infty). apply is_lim_id. discriminate. }
  assert (D : continuous (fun x : R => l * exp (l * x)) 0).
  { apply (ex_derive_continuous (fun x : R => l * exp (l * x)) 0). auto_derive; auto. }
  pose proof (is_lim_comp_continuous (fun a => / a) (fun x : R => l * exp (l * x)) p_infty 0 I D) as C.
  cbv beta in C. rewrite Rmult_0_r, exp_0, Rmult_1_r in C. exact C. Qed.

Theorem limit_at_infinity : is_lim LKL p_infty (bsum M (fun k => ln (L k)) / INR M).
Proof.
  apply (is_lim_le_le_loc (fun _ => bsum M (fun k => ln (L k)) / INR M)
           (fun a => bsum M (fun k => ln (L k) * exp (ln (L k) * / a)) / INR M)).
  - exists 0. intros a Ha. split. apply above_mean; auto.
    pose proof (Z_pos a). unfold LKL.
    assert (I : ln (Z a / INR M) <= Z a / INR M - 1) by (apply ln_le_sub1, Rdiv_lt_0_compat; auto).
    apply Rmult_le_compat_l with (r := a) in I; [|lra]. apply Rle_trans with (1 := I).
    replace (a * (Z a / INR M - 1)) with (bsum M (fun k => a * (pw a k - 1)) / INR M).
    2:{ rewrite bsum_scal, bsum_minus, bsum_const. fold (Z a). field. lra. }
    apply Rmult_le_compat_r. left; apply Rinv_0_lt_compat; auto.
    apply bsum_le. intros k Hk. unfold pw. set (x := ln (L k) / a).
    assert (E : 1 - x <= exp (- x)) by (pose proof (exp_ineq1_le (- x)); lra).
    apply Rmult_le_compat_r with (r := exp x) in E; [|left; apply exp_pos].
    rewrite <- exp_plus, Rplus_opp_l, exp_0 in E.
    replace (ln (L k) * / a) with x by reflexivity.
    replace (ln (L k)) with (a * x) by (unfold x; field; lra).
    replace (a * x * exp x) with (a * (x * exp x)) by ring.
    apply Rmult_le_compat_l; lra.
  - apply is_lim_const.
  - unfold Rdiv. apply (is_lim_scal_r _ (/ INR M) p_infty (bsum M (fun k => ln (L k)))).
    apply lim_bsum. intros; apply lim_tilt. Qed.

(* --- what the code computes, for every shift --- *)
Theorem code_is a shift : 0 < a -> kl_dro (fun k => ln (L k)) a shift (mean M) = LKL a.
Proof. intros Ha. rewrite code_powers by auto. unfold power, mean, LKL.
  rewrite (bsum_ext M _ (fun i => exp (- shift / a) * pw a i)).
  - rewrite bsum_scal. fold (Z a). pose proof (Z_pos a). pose proof (exp_pos (- shift / a)).
    replace (exp (- shift / a) * Z a / INR M) with (exp (- shift / a) * (Z a / INR M)) by (field; lra).
    rewrite ln_mult, ln_exp by (auto; apply Rdiv_lt_0_compat; auto). field. lra.
  - intros i Hi. unfold pw. rewrite <- exp_plus. f_equal. field. lra. Qed.

Theorem code_tilt_is a shift k : 0 < a -> (k < M)%nat ->
  kl_dro_tilt (fun k => ln (L k)) a shift (mean M) k = INR M * pstar a k.
Proof. intros Ha Hk. unfold kl_dro_tilt, power, mean, pstar.
  rewrite (bsum_ext M _ (fun i => exp (- shift / a) * pw a i)).
  - rewrite bsum_scal. fold (Z a). pose proof (Z_pos a). pose proof (exp_pos (- shift / a)).
    replace (exp ((ln (L k) - shift) / a)) with (exp (- shift / a) * pw a k).
    field. repeat split; lra.
    unfold pw. rewrite <- exp_plus. f_equal. field. lra.
  - intros i Hi. unfold pw. rewrite <- exp_plus. f_equal. field. lra. Qed.

(* The exponential of the aggregate is the power mean of order 1 / alpha. *)
Theorem power_mean_is a : 0 < a ->
  exp (LKL a) = Rpower (bsum M (fun k => Rpower (L k) (/ a)) / INR M) a.
Proof. intros Ha. unfold LKL, Rpower, Z, pw. do 4 f_equal.
  apply bsum_ext. intros. f_equal. unfold Rdiv. ring. Qed.
End KL.

(* --- the gradient of the aggregation, along any path of the log-losses --- *)
Lemma is_derive_bsum n (g : nat -> R -> R) (l : nat -> R) (t : R) :
  (forall k, (k < n)%nat -> is_derive (g k) t (l k)) ->
  is_derive (fun a => bsum n (fun k => g k a)) t (bsum n l).
Proof. induction n; intros H; simpl.
  - apply (is_derive_const (K := R_AbsRing) (V := R_NormedModule)).
  - apply (is_derive_plus (fun a => bsum n (fun k => g k a)) (g n)); auto. Qed.

Theorem code_gradient M a shift (l : nat -> R -> R) (dl : nat -> R) : (0 < M)%nat -> 0 < a ->
  (forall k, (k < M)%nat -> is_derive (l k) 0 (dl k)) ->
  is_derive (fun t => kl_dro (fun k => l k t) a shift (mean M)) 0
    (mean M (fun k => kl_dro_tilt (fun k => l k 0) a shift (mean M) k * dl k)).
Proof. intros HM Ha D.
  assert (MR : 0 < INR M) by (apply lt_0_INR; auto).
  apply (is_derive_ext (fun t => shift + a * ln (mean M (fun k => power (l k t) a shift)))).
  { intros t. symmetry. apply (code_powers M a shift (fun k => l k t) HM). }
  unfold kl_dro_tilt.
  set (P := fun t => mean M (fun k => power (l k t) a shift)).
  set (dP := mean M (fun k => power (l k 0) a shift * (dl k / a))).
  assert (Pos : 0 < P 0).
  { unfold P, mean. apply Rdiv_lt_0_compat; auto. apply bsum_pos; auto. intros; apply exp_pos. }
  assert (DP : is_derive P 0 dP).
  { unfold P, dP, mean.
    apply (is_derive_ext (fun t => / INR M * bsum M (fun k => power (l k t) a shift))).
    { intros t. unfold Rdiv. simpl. apply Rmult_comm. }
    replace (bsum M (fun k => power (l k 0) a shift * (dl k / a)) / INR M)
      with (/ INR M * bsum M (fun k => power (l k 0) a shift * (dl k / a))) by (unfold Rdiv; ring).
    apply is_derive_scal. apply is_derive_bsum. intros k Hk. unfold power.
    pose proof (D k Hk) as Dk.
    apply (is_derive_ext (fun t => exp (/ a * (l k t - shift)))).
    { intros t. f_equal. unfold Rdiv. simpl. apply Rmult_comm. }
    auto_derive. exists (dl k); auto.
    replace (Derive (fun x => l k x) 0) with (dl k) by (symmetry; apply is_derive_unique; exact Dk).
    replace (/ a * (l k 0 + - shift)) with ((l k 0 - shift) / a) by (field; lra).
    field. lra. }
  replace (mean M (fun k => power (l k 0) a shift / mean M (fun i => power (l i 0) a shift) * dl k))
    with (a * (dP / P 0)).
  2:{ fold (P 0). unfold dP, mean. unfold Rdiv.
      rewrite (bsum_ext M (fun k => power (l k 0) a shift * / P 0 * dl k)
        (fun k => (a * / P 0) * (power (l k 0) a shift * (dl k * / a)))).
      rewrite bsum_scal. ring.
      intros. field. split; lra. }
  change (is_derive (fun t => shift + a * ln (P t)) 0 (a * (dP / P 0))).
  auto_derive. split; [exists dP; auto | split; auto].
  replace (Derive (fun x => P x) 0) with dP by (symmetry; apply is_derive_unique; exact DP).
  field. lra. Qed.

(* --- what the SymPy script of the proposition cites --- *)
Theorem sign_of_derivative (g dg : R -> R) a b : a <= b ->
  (forall t, a <= t <= b -> is_derive g t (dg t)) ->
  ((forall t, a <= t <= b -> dg t <= 0) -> g b <= g a)
  /\ ((forall t, a <= t <= b -> 0 <= dg t) -> g a <= g b).
Proof. intros H D. destruct (MVT_gen g a b dg) as [c [Hc E]].
  - intros t Ht. rewrite Rmin_left, Rmax_right in Ht by auto. apply D. lra.
  - intros t Ht. rewrite Rmin_left, Rmax_right in Ht by auto.
    apply continuity_pt_filterlim, (ex_derive_continuous g). exists (dg t). apply D; auto.
  - rewrite Rmin_left, Rmax_right in Hc by auto. split; intros P; pose proof (P c Hc) as S.
    + assert (0 <= - dg c * (b - a)) by (apply Rmult_le_pos; lra). lra.
    + assert (0 <= dg c * (b - a)) by (apply Rmult_le_pos; lra). lra. Qed.

Theorem difference_quotient (g : R -> R) l : g 0 = 0 -> is_derive g 0 l ->
  filterlim (fun t => g t / t) (locally' 0) (locally l).
Proof. intros G D. apply is_derive_Reals in D.
  intros P [eps HP]. destruct (D eps (cond_pos eps)) as [delta Hd]. exists delta. intros t Ht Nt.
  assert (At : Rabs t < delta).
  { replace t with (minus t 0 : R); [exact Ht|]. unfold minus, plus, opp; simpl; ring. }
  pose proof (Hd t Nt At) as Q. rewrite Rplus_0_l, G, Rminus_0_r in Q. apply HP. exact Q. Qed.

Theorem squeeze (T : Type) (F : (T -> Prop) -> Prop) (HF : Filter F) (low g high : T -> R) (l : R) :
  F (fun t => low t <= g t <= high t) ->
  filterlim low F (locally l) -> filterlim high F (locally l) -> filterlim g F (locally l).
Proof. intros B. apply (filterlim_le_le (F := F) low g high l). exact B. Qed.
